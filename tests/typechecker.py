"""How annotations are checked while tests run: an int is a float, as in PEP 484; what is wrong is a TypeError.

jaxtyping wraps every function, and checks its arguments twice. Only functions with arrays need the wrapper, which
compares the sizes of one array with those of another, and generators, whose arrays would go unchecked.
"""

import re
from collections.abc import Callable
from inspect import isgeneratorfunction
from types import FunctionType
from typing import Any, get_type_hints

import jaxtyping
from beartype import BeartypeConf
from beartype import beartype as _beartype

check = _beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=TypeError))
_jaxtyped = jaxtyping.jaxtyped
_ARRAY = re.compile("jaxtyping|Tensor|ndarray")


def _sparing(*, typechecker: Callable) -> Callable[[Any], Any]:
    def decorate(decorated: Any) -> Any:
        if not isinstance(decorated, FunctionType) or isgeneratorfunction(decorated):
            return _jaxtyped(typechecker=typechecker)(decorated)
        try:
            hints = get_type_hints(decorated)
        except NameError:  # a class that is not defined yet, which jaxtyping lets pass
            return _jaxtyped(typechecker=typechecker)(decorated)
        return _jaxtyped(check(decorated), typechecker=None) if _ARRAY.search(repr(hints)) else check(decorated)

    return decorate


jaxtyping.jaxtyped = _sparing
