"""One toy reference for all tests of the room."""

import pytest

from nevoa.evaluation import Reference
from tests.evaluation.toy import toy_reference


@pytest.fixture(scope="session")
def reference() -> Reference:
    return toy_reference()
