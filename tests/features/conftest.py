"""The toy reference of the room of evaluation."""

from tests.evaluation.conftest import reference  # noqa: F401
