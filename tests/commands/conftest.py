"""Runs to make and measure images of."""

from tests.cli.conftest import of_classes, trained  # noqa: F401
