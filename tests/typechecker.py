"""How annotations are checked while tests run: an int is a float, as in PEP 484."""

from beartype import BeartypeConf
from beartype import beartype as _beartype

check = _beartype(conf=BeartypeConf(is_pep484_tower=True))
