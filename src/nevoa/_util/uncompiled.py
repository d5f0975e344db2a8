"""Classes of torch without the wrappers around their methods that are there for torch's compiler."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Part = TypeVar("Part", bound=type[Any])


def uncompiled(*methods: str) -> Callable[[Part], Part]:
    """Take the wrappers off some methods of a class: a decorator.

    At their first call they import the compiler, which takes 1.9 s, a third of what a training takes to start.
    """

    def decorated(part: Part) -> Part:
        for name in methods:
            setattr(part, name, inspect.unwrap(getattr(part, name)))
        return part

    return decorated
