"""What an image is asked to be: one file for each kind of condition."""

from nevoa.conditions.conditions import CLASS, TEXT, Conditions, conditions_of
from nevoa.conditions.kind import Kind

__all__ = ["CLASS", "TEXT", "Conditions", "Kind", "conditions_of"]
