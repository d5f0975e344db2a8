"""Conditions, such as classes and texts, that an image can be asked for; one file for each kind."""

from nevoa.conditions.conditions import Conditions, conditions_of
from nevoa.conditions.kind import Kind
from nevoa.config.names import CLASS, TEXT

__all__ = ["CLASS", "TEXT", "Conditions", "Kind", "conditions_of"]
