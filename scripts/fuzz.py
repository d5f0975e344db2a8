"""Fuzz the readers of files, guided by which of their lines are reached (atheris, libFuzzer).

pip install atheris
python scripts/fuzz.py READER [-runs=1000000] [libFuzzer's options]

What is found is written into tests/fuzz/corpus/READER, where CI reads it from then on.
"""

import sys
import tempfile
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports]

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["nevoa", "numpy.lib", "tomllib", "json", "safetensors"]):  # pyright: ignore[reportAttributeAccessIssue]
    from tests.fuzz.readers import readers


def main() -> None:
    name, *options = sys.argv[1:]
    corpus = Path(__file__).parents[1] / "tests" / "fuzz" / "corpus" / name.replace(" ", "-")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        reader = readers(Path(folder))[name]
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        (seeds / "whole").write_bytes(reader.seed)
        corpus.mkdir(parents=True, exist_ok=True)
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/", str(seeds), str(corpus)], reader)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
