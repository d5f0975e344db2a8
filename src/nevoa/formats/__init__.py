"""Other people's formats, at the edge: each file needs an extra, and nothing else in the package imports this room."""

from nevoa.formats.export import Export as Export
