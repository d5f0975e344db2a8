"""The version of nevoa."""

__version__ = "0.1.0"
