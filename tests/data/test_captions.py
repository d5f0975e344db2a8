"""Captions: where people write them, and what becomes of those that cannot be read."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nevoa.config import DataConfig
from nevoa.config.presets import configure
from nevoa.data import ImageSet, as_image_set, load_images, load_test_images
from nevoa.errors import NevoaError

CAPTIONS = {"a": ("a red cat", "um gato vermelho"), "b": ("a dog",), "c": ()}


def folder_of(path: Path, write: Callable[[Path], None]) -> Path:
    """A folder of three images, and what describes them."""
    path.mkdir()
    for number, name in enumerate(CAPTIONS):
        Image.new("L", (8, 8), 60 * number).save(path / f"{name}.png")
    write(path)
    return path


def as_texts(path: Path) -> None:
    for name, of in CAPTIONS.items():
        (path / f"{name}.txt").write_text("\n\n".join(of) + "\n")


def as_table(path: Path) -> None:
    (path / "metadata.csv").write_text("file_name,text,caption\na.png,a red cat,um gato vermelho\nb.png,a dog,\n")


def as_rows(path: Path) -> None:
    lines = [{"file_name": f"{name}.png", "text": of} for name, of in CAPTIONS.items()]
    (path / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("write", [as_texts, as_table, as_rows])
def test_captions_are_found_where_people_write_them(tmp_path: Path, write: Callable[[Path], None]) -> None:
    images = load_images(folder_of(tmp_path / "pets", write))
    assert images.captions == tuple(CAPTIONS.values())
    assert (images.classes, images.notes.captions, images.notes.bad) == ((), 2, ())
    assert images.fingerprint != load_images(folder_of(tmp_path / "plain", lambda path: None)).fingerprint


def test_a_suffix_in_capitals_is_one(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pets", as_texts)
    (folder / "b.txt").rename(folder / "b.TXT")
    assert load_images(folder).captions == tuple(CAPTIONS.values())


def test_a_caption_that_is_changed_is_read_again(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pets", as_texts)
    before = load_images(folder)
    (folder / "b.txt").write_text("a brown dog")
    after = load_images(folder)
    assert (before.captions[1], after.captions[1]) == (("a dog",), ("a brown dog",))
    assert before.fingerprint != after.fingerprint


@pytest.mark.parametrize(
    ("content", "caption"),
    [
        ("\ufeffmaçã  vermelha\t\n".encode(), ("maçã vermelha",)),
        ("maçã".encode("utf-16"), ("maçã",)),
        (b"a\x1b[31m cat\x00", ("a [31m cat",)),
        (b" \n\n", ()),
        (b"x" * 5_000, ("x" * 1_000,)),
    ],
)
def test_a_text_is_tidied(tmp_path: Path, content: bytes, caption: tuple[str, ...]) -> None:
    folder = folder_of(tmp_path / "pets", as_texts)
    (folder / "c.txt").write_bytes(content)
    images = load_images(folder)
    assert (images.captions[2], images.notes.bad) == (caption, ())


# Without a mark, plain letters in UTF-16 are valid UTF-8, too.
OTHERS = [("cão", "cp1252"), ("a dog", "utf-16-le"), ("a dog", "utf-16-be"), ("a dog", "utf-32"), ("cão", "utf-16-le")]


@pytest.mark.parametrize(("text", "encoding"), OTHERS)
def test_a_text_in_another_encoding_is_named_and_its_image_kept(text: str, encoding: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pets", as_texts)
    (folder / "b.txt").write_bytes(text.encode(encoding))
    images = load_images(folder)
    assert (len(images), images.captions[1]) == (3, ())
    assert [(bad.name, bad.reason) for bad in images.notes.bad] == [
        ("b.txt", "a caption that cannot be read: it is not UTF-8; save it in this encoding")
    ]


TABLE = "file_name,text,age\na.png,{},3\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_may_have_the_encodings_that_spreadsheets_write(encoding: str, tmp_path: Path) -> None:
    images = load_images(folder_of(tmp_path / "p", lambda path: write(path, TABLE.format("cão"), encoding)))
    assert (images.captions[0], images.numbers["age"][0]) == (("cão",), 3)


@pytest.mark.parametrize(("text", "encoding"), OTHERS)
def test_a_table_in_another_encoding_is_refused(text: str, encoding: str, tmp_path: Path) -> None:
    with pytest.raises(NevoaError, match=r"metadata.csv as a table: it is not UTF-8; save it in this encoding\."):
        load_images(folder_of(tmp_path / "p", lambda path: write(path, TABLE.format(text), encoding)))


def write(path: Path, table: str, encoding: str = "utf-8") -> None:
    (path / "metadata.csv").write_bytes(table.encode(encoding))


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1.5", " 2 ", "-3e2"], [1.5, 2, -300]),
        (["1", "", "NaN"], [1, np.nan, np.nan]),
        (["1", "old", "3"], None),
        (["1", "inf", "3"], None),
        (["1", "1e999", "3"], None),
        (["1", "2,5", "3"], None),
        (["", "", ""], None),
        (["1", "True", "3"], None),
    ],
)
def test_a_column_is_a_number_if_all_its_cells_are(
    cells: list[str], numbers: list[float] | None, tmp_path: Path
) -> None:
    rows = "".join(f'{name}.png,"{cell}"\n' for name, cell in zip(CAPTIONS, cells, strict=True))
    images = load_images(folder_of(tmp_path / "p", lambda path: write(path, f"file_name,age\n{rows}")))
    found = {name: column.tolist() for name, column in images.numbers.items()}
    assert found == ({"age": pytest.approx(numbers, nan_ok=True)} if numbers else {})


def test_where_semicolons_separate_cells_a_comma_is_before_decimals(tmp_path: Path) -> None:
    """As Portuguese spreadsheets write them."""
    table = "file_name;altura;texto\na.png;1,85;1,5\nb.png;2;x\nc.png;;\n"
    images = load_images(folder_of(tmp_path / "p", lambda path: write(path, table)))
    assert images.numbers["altura"].tolist() == pytest.approx([1.85, 2, np.nan], nan_ok=True)
    assert [*images.numbers] == ["altura"]


@pytest.mark.parametrize(
    ("cell", "captions"),
    [
        (None, ()),
        (" \n", ()),
        (["a", "", None, "b"], ("a", "b")),
        ("a\u0000b\x1b[0m\ud800c\u202e", ("a b [0m c",)),
        ("word " * 5_000, ("word " * 200,)),
        (3, ()),
    ],
)
def test_a_cell_is_tidied(cell: object, captions: tuple[str, ...], tmp_path: Path) -> None:
    line = json.dumps({"file_name": "a.png", "text": cell})
    folder = folder_of(tmp_path / "p", lambda path: None)
    (folder / "metadata.jsonl").write_text(line)
    images = load_images(folder)
    assert images.captions == ((captions, (), ()) if captions else ())


def test_columns_of_numbers_are_numbers_of_the_images(tmp_path: Path) -> None:
    """Also beside a text; a column with a word in it is none."""

    def write(path: Path) -> None:
        (path / "metadata.csv").write_text(
            "file_name,text,age,size,row\na.png,a cat,30,9,1\nb.png,,NaN,big,2\nc.png,,0,2,3\n"
        )

    images = load_images(folder_of(tmp_path / "pets", write))
    assert images.captions == (("a cat",), (), ())
    assert {name: column.tolist() for name, column in images.numbers.items()} == {
        "age": pytest.approx([30, np.nan, 0], nan_ok=True),
        "row": [1, 2, 3],
    }
    some = images.take(np.array([2, 0]))
    assert (some.numbers["age"].tolist(), some.captions) == ([0, 30], ((), ("a cat",)))


def as_columns(path: Path) -> None:
    """A table of texts under other names, beside captions that a text file has."""
    (path / "metadata.csv").write_text("file_name,text,Descrição,age\na.png,a cat,um gato,3\nc.png,,uma vaca,\n")
    (path / "b.txt").write_text("a dog")


def as_column_of_lists(path: Path) -> None:
    lines = [{"file_name": "a.png", "Descrição": ["um gato"]}, {"file_name": "c.png", "Descrição": "uma vaca"}]
    (path / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("write", [as_columns, as_column_of_lists])
def test_captions_are_those_of_the_column_that_is_named(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """That column alone, in a store of its own."""
    folder = folder_of(tmp_path / "pets", write)
    before, column = load_images(folder), configure(folder, steps=1, condition="text:Descrição").data
    images = load_images(column)
    assert images.captions == (("um gato",), (), ("uma vaca",))
    assert images.notes.captions == 2
    assert load_images(folder).captions == before.captions != images.captions


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("Descricao", r"no column 'Descricao'\. Did you mean 'Descrição'\? Known: Descrição, age, file_name, text\."),
        (
            "age",
            "The column 'age' of .*pets has no texts: choose another of its columns, file_name, text, Descrição, age",
        ),
    ],
)
def test_a_column_without_captions_is_refused_with_those_that_there_are(tmp_path: Path, column: str, said: str) -> None:
    folder = folder_of(tmp_path / "pets", as_columns)
    if column == "age":
        (folder / "metadata.csv").write_text("file_name,text,Descrição,age\na.png,a cat,um gato,\n")
    with pytest.raises(NevoaError, match=said):
        load_images(folder, caption_column=column)


def test_images_without_a_table_have_no_columns(tmp_path: Path) -> None:
    for source in ("shapes", str(folder_of(tmp_path / "pets", as_texts))):
        with pytest.raises(NevoaError, match="has no table, so no column 'text': name no column, or write"):
            load_images(source, caption_column="text")


def test_captions_stay_with_their_images(tmp_path: Path) -> None:
    """With classes chosen, images set aside and some left out."""
    for number in range(40):
        (folder := tmp_path / "pets" / ["cat", "dog", "newt"][number % 3]).mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 6 * number).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"gray {6 * number}")
    config = DataConfig(source=str(tmp_path / "pets"), only=("cat", "newt"), holdout=7, limit=15)
    train = load_images(config)
    for images in (train, load_test_images(config, train), train.take(np.array([3, 1]))):
        levels = images.images[:, 0, 0, 0].tolist()
        assert [of for (of,) in images.captions] == [f"gray {level}" for level in levels]


def test_an_array_has_captions_that_are_given() -> None:
    pixels = np.zeros((2, 8, 8, 1), np.uint8)
    images = as_image_set(pixels, captions=["a cat", ["a dog", "um cão"]])
    assert images.captions == (("a cat",), ("a dog", "um cão"))
    assert as_image_set(pixels, captions=["", " "]).captions == ()
    assert as_image_set(pixels, captions=["a\u0000cat", None]).captions == (("a cat",), ())
    for captions in (["a"], "ab"):
        with pytest.raises(NevoaError, match="each of the 2 images"):
            as_image_set(pixels, captions=captions)
    with pytest.raises(NevoaError, match="has its own labels, classes, captions, numbers and pictures"):
        as_image_set(images, captions=["a", "b"])


def test_rows_of_a_table_have_their_captions() -> None:
    datasets = pytest.importorskip("datasets")
    from nevoa.data.sources.parquet import list_rows

    pictures = [Image.new("L", (8, 8), level) for level in (0, 100)]
    rows = datasets.Dataset.from_dict(
        {"image": pictures, "text": ["a cat", None], "em": [["um gato"], ["uma vaca", "um cão"]]},
    )
    listing = list_rows(rows.cast_column("image", datasets.Image()), None, "here")
    assert listing.captions == (("a cat",), ())
    assert listing.columns == ("text", "em")
    assert listing.take(np.array([1])).texts("em") == (("uma vaca", "um cão"),)
    assert isinstance(as_image_set(np.zeros((1, 8, 8, 1), np.uint8)), ImageSet)
