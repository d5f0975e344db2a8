"""The studio: a page to train, watch and use models. Jobs are processes; run folders are the only state."""

from nevoa.studio.server import application, serve

__all__ = ["application", "serve"]
