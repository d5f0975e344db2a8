"""Classes of torch without the wrappers around their methods that are there for torch's compiler."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Part = TypeVar("Part", bound=type[Any])


def uncompiled(*methods: str) -> Callable[[Part], Part]:
    """Take the wrappers off some methods of a class: a decorator.

    At their first call they import the compiler: 1.7 of the 6.4 s that `nevoa train` took to begin on a Zen 3.
    """

    def decorated(part: Part) -> Part:
        for name in methods:
            setattr(part, name, inspect.unwrap(getattr(part, name)))
        return part

    return decorated
