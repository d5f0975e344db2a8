"""A change of a public name is also a change of the file that lists them."""

from tests.public import LIST, text


def test_the_public_names_are_those_of_the_list() -> None:
    """To change it: python -m tests.public; CONTRIBUTING.md says how a name is taken away."""
    assert text() == LIST.read_text(encoding="utf-8")
