"""Whatever is in a file, its reader answers or says in a sentence what is wrong: 100,000 cases, and past findings."""

import json
import random
import resource
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.readers import Reader, readers

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parent / "corpus"
NAMES = (
    *(
        "config",
        "plan",
        "metrics",
        "speeds",
        "journal",
        "tracking",
        "status",
        "report",
        "model config",
        "model weights",
        "checkpoint manifest",
        "checkpoint state",
    ),
    *(
        "choices of the studio",
        "receipt",
        "checkpoint tensors",
        "store card",
        "store images",
        "store labels",
        "sheet",
        "idx",
        "array",
    ),
    *("arrays", "zip", "tar", "table", "picture"),
    *("pipeline index", "pipeline network", "pipeline schedule", "pipeline weights"),
)
# Those that make a network are a hundred times slower than the others; those that open a table or a run, ten times.
SLOW = {
    **dict.fromkeys(("table", "status"), 1_500),
    **dict.fromkeys(("model config", "report"), 2_000),
    "model weights": 500,
    **{name: 150 for name in NAMES if name.startswith("pipeline")},
}
CASES = (100_000 - sum(SLOW.values())) // (len(NAMES) - len(SLOW)) + 1
# The readers' own files are some kilobytes; what torch and Pillow keep for themselves is less than this.
MOST_MEMORY = 300_000_000
# What has a meaning in some format, to be put where it has none.
WORDS = (
    *(b"", b"\0", b"\xff" * 8, b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"1e999", b"-1", b"NaN", b"null", b"true"),
    *(b"\xed\xa0\x80", b"\xef\xbb\xbf", b"../../x", b"__class__", b"\n", b"]", b"}", b'"', b"999999999999"),
    *(struct.pack("<Q", number) for number in (0, 1, 2**31, 2**40, 2**63, 2**64 - 1)),
    *(struct.pack(">I", number) for number in (0, 28, 65535, 2**31 - 1, 2**32 - 1)),
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    return readers(tmp_path_factory.mktemp("fuzz"))


def mutated(seed: bytes, rng: random.Random) -> bytes:
    """A whole file with one to four things done to it."""
    data = bytearray(seed)
    for _ in range(rng.randint(1, 4)):
        place, length = rng.randint(0, len(data)), rng.choice((1, 1, 2, 4, 8, 64))
        word = rng.choice(WORDS) if rng.random() < 0.5 else rng.randbytes(length)
        kind = rng.randrange(5)
        if kind == 0:
            data[place : place + len(word)] = word
        elif kind == 1:
            data[place:place] = word
        elif kind == 2:
            del data[place : place + length]
        elif kind == 3:
            del data[place:]
        elif data:
            data[place % len(data)] ^= 1 << rng.randrange(8)
    return bytes(data)


def test_every_reader_is_fuzzed(known: dict[str, Reader]) -> None:
    assert known.keys() == set(NAMES)
    for reader in known.values():
        reader(reader.seed)
        reader.read()  # a whole file is read without a complaint


@pytest.mark.parametrize("name", NAMES)
def test_mutated_files(known: dict[str, Reader], name: str) -> None:
    reader, rng = known[name], random.Random(name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in range(SLOW.get(name, CASES)):
        data = mutated(reader.seed, rng)
        try:
            reader(data)
        except Exception as error:
            raise AssertionError(f"{name}, case {case}, {data[:200]!r}") from error
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < MOST_MEMORY
    reader(reader.seed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "name",
    [
        "status",
        "journal",
        "tracking",
        "report",
        "model config",
        "checkpoint manifest",
        "checkpoint state",
        "store card",
    ],
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_objects_with_other_values_in_them(known: dict[str, Reader], name: str, data: st.DataObject) -> None:
    """JSON of the right form with any value, or none, in any place of it."""
    _read_with_another_value(known[name], data)


@pytest.mark.parametrize("name", ["pipeline index", "pipeline network", "pipeline schedule"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_pipelines_with_other_values_in_them(known: dict[str, Reader], name: str, data: st.DataObject) -> None:
    """Fewer, because each makes a network."""
    _read_with_another_value(known[name], data)


def _read_with_another_value(reader: Reader, data: st.DataObject) -> None:
    value = json.loads(reader.seed)
    place, key = value, data.draw(st.sampled_from(sorted(value)))
    while isinstance(place[key], dict) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place)))
    if data.draw(st.booleans()):
        place[key] = data.draw(JSON)
    else:
        del place[key]
    reader(json.dumps(value).encode())
    reader(reader.seed)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_once_found(known: dict[str, Reader], path: Path) -> None:
    reader = known[path.parent.name.replace("-", " ")]
    reader(path.read_bytes())
    reader(reader.seed)
