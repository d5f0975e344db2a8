"""How annotations are checked while tests run: an int is a float, as in PEP 484; what is wrong is a TypeError.

jaxtyping wraps every function, and checks its arguments twice. Only functions with arrays need the wrapper, which
compares the sizes of one array with those of another, and generators, whose arrays would go unchecked.
"""

import re
from collections.abc import Callable
from functools import wraps
from inspect import isgeneratorfunction
from types import FunctionType
from typing import Any, get_type_hints

import jaxtyping
import torch
from beartype import BeartypeConf
from beartype import beartype as _beartype

check = _beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=TypeError))
_jaxtyped = jaxtyping.jaxtyped
_ARRAY = re.compile("jaxtyping|Tensor|ndarray")


def _unless_compiled(checked: Callable, unchecked: Callable) -> Callable:
    """torch cannot compile the checks."""

    @wraps(checked)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (unchecked if torch.compiler.is_dynamo_compiling() else checked)(*args, **kwargs)

    return call


def _sparing(*, typechecker: Callable) -> Callable[[Any], Any]:
    def decorate(decorated: Any) -> Any:
        if not isinstance(decorated, FunctionType) or isgeneratorfunction(decorated):
            return _jaxtyped(typechecker=typechecker)(decorated)
        try:
            hints = get_type_hints(decorated)
        except NameError:  # a class that is not defined yet, which jaxtyping lets pass
            return _jaxtyped(typechecker=typechecker)(decorated)
        if not _ARRAY.search(repr(hints)):
            return check(decorated)
        return _unless_compiled(_jaxtyped(check(decorated), typechecker=None), decorated)

    return decorate


jaxtyping.jaxtyped = _sparing
