"""What is in an image file, whatever its format, mode and damage."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from nevoa.data.decode import FORMATS, decoded, fitted, header, opaque, picture_of, pixels_of, read_image
from nevoa.errors import NevoaError
from tests.data.pictures import encoded, photo


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read_by_its_content(kind: str) -> None:
    image = decoded(encoded(photo(), kind))
    assert image.mode == "RGB"
    difference = np.asarray(image).astype(int) - np.asarray(photo())
    assert abs(difference).mean() < 12  # GIF has 256 colours, JPEG and WebP are lossy
    assert header(encoded(photo(), kind)).size == (30, 40)


def test_other_formats_are_refused() -> None:
    """Pillow would start Ghostscript for one, and reads forty more than are meant here."""
    for kind in ("PPM", "TGA", "ICO", "EPS"):
        with pytest.raises(ValueError, match="not an image of a known format"):
            decoded(encoded(photo(), kind))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_the_camera_was_held(orientation: int, kind: str) -> None:
    """Two independent ways: Pillow's transposition of the file, and turning an array by the EXIF standard's table."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo(), kind, exif=exif.tobytes(), **({"lossless": True} if kind == "WEBP" else {}))
    plain = np.asarray(photo())
    turned = plain.swapaxes(0, 1) if orientation > 4 else plain
    turned = turned[:, ::-1] if orientation in (2, 3, 6, 7) else turned
    turned = turned[::-1] if orientation in (3, 4, 7, 8) else turned
    np.testing.assert_array_equal(np.asarray(decoded(data)), turned)
    assert header(data).size == turned.shape[:2]


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_large_jpeg_is_unpacked_smaller_and_becomes_the_same(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo().resize((1280, 960), Image.Resampling.BICUBIC), "JPEG", exif=exif.tobytes())
    small, size = decoded(data, size=(12, 15)), (12, 15)
    assert small.size == ((120, 160) if orientation == 6 else (160, 120))
    ours, plain = (np.asarray(fitted(each, size)).astype(int) for each in (small, decoded(data)))
    np.testing.assert_allclose(ours, plain, atol=2)


@pytest.mark.parametrize(
    ("side", "wanted", "unpacked"), [(512, 8, 64), (512, 9, 128), (512, 65, 512), (514, 8, 257), (511, 8, 511)]
)
def test_a_jpeg_is_unpacked_eight_times_larger_than_wanted_at_the_least(side: int, wanted: int, unpacked: int) -> None:
    """And never to a rounded size, which would move the picture."""
    data = encoded(photo().resize((side, side)), "JPEG")
    assert decoded(data, size=(wanted, wanted)).size == (unpacked, unpacked)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("exif", [b"rubbish", b"II*\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b""])
def test_rubbish_for_exif_spoils_no_picture(kind: str, exif: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    data = encoded(photo(), kind, exif=exif)
    assert decoded(data).size == (40, 30)
    assert header(data).size == (30, 40)
    assert capfd.readouterr().err == ""


def test_a_palette_is_its_colours() -> None:
    image = photo().quantize(16)
    np.testing.assert_array_equal(np.asarray(decoded(encoded(image, "PNG"))), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(kind: str) -> None:
    values = np.array([[0, 255, 256, 32_768, 65_535]], np.uint16)
    image = decoded(encoded(Image.fromarray(values), kind))
    assert np.asarray(image).tolist() == [[0, 0, 1, 128, 255]]
    assert header(encoded(Image.fromarray(values), kind)).gray


def test_of_sixteen_bits_in_a_tiff_zero_may_be_white() -> None:
    values = np.arange(0, 65_536, 257, dtype=np.uint16).reshape(16, 16)
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[262] = 0
    data = io.BytesIO()
    Image.fromarray(values).save(data, "TIFF", tiffinfo=info)
    np.testing.assert_array_equal(np.asarray(decoded(data.getvalue())), 255 - (values >> 8))


def test_a_transparent_shade_of_sixteen_bits_is_transparent() -> None:
    values = np.array([[0, 300, 65_535]], np.uint16)
    data = io.BytesIO()
    Image.fromarray(values).save(data, "PNG", transparency=300)
    for background, shade in (("white", 255), ("black", 0)):
        assert np.asarray(decoded(data.getvalue(), background)).tolist() == [[0, shade, 255]]


def test_what_no_eye_has_seen_is_refused() -> None:
    """Of 32 bits nothing says what is white."""
    data = io.BytesIO()
    Image.fromarray(np.arange(16, dtype=np.int32).reshape(4, 4)).save(data, "TIFF")
    with pytest.raises(ValueError, match="signed or have 32 bits; save it with 8 or 16 bits"):
        decoded(data.getvalue())


def test_cmyk_is_rgb() -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert decoded(encoded(image, "TIFF")).getpixel((3, 3)) == (255, 0, 0)


def test_fractions_are_refused() -> None:
    with pytest.raises(ValueError, match="floats"):
        decoded(encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"))


@pytest.mark.parametrize(
    ("mode", "colour", "background", "expected"),
    [
        ("RGBA", (10, 20, 30, 0), "white", (255, 255, 255)),
        ("RGBA", (10, 20, 30, 255), "white", (10, 20, 30)),
        ("RGBA", (200, 0, 0, 128), "#000000", (100, 0, 0)),
        ("LA", (0, 0), "white", 255),
        ("LA", (0, 0), "red", (255, 0, 0)),
    ],
)
def test_what_is_transparent_shows_the_background(mode: str, colour, background: str, expected) -> None:
    assert decoded(encoded(Image.new(mode, (4, 4), colour), "PNG"), background).getpixel((1, 1)) == expected


def test_a_transparent_colour_of_a_palette_is_transparent() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert decoded(encoded(image, "PNG", transparency=1), "blue").getpixel((0, 0)) == (0, 0, 255)


def test_no_colour() -> None:
    with pytest.raises(NevoaError, match="'nocolour' is not a colour"):
        decoded(encoded(Image.new("RGBA", (4, 4)), "PNG"), "nocolour")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_many_frames_the_first_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("black", "white", "red")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    assert pixels_of(decoded(data), 1).max() < 5


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("tenths", range(10))
def test_a_file_that_is_cut_short_is_refused(kind: str, tenths: int) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, kind)
    with pytest.raises(ValueError, match=r"."):
        decoded(data[: len(data) * tenths // 10])


@pytest.mark.parametrize("side", [8_001, 30_000])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    """A PNG of so many pixels in a hundred bytes; Pillow alone would let the first pass, and unpack it."""
    with pytest.raises(ValueError, match="more than 64 million pixels"):
        decoded(png(side, 0))


def test_a_palette_image_without_its_palette_is_refused_by_its_header_too() -> None:
    for read in (header, decoded):
        with pytest.raises(ValueError, match="it has no palette"):
            read(png(8, 3))


def png(side: int, colour_type: int) -> bytes:
    """A PNG of its smallest parts, with a hundred bytes of pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, colour_type, 0, 0, 0))
    return head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def test_nothing_is_squashed() -> None:
    """A circle stays a circle, whatever the sides."""
    rows, columns = np.mgrid[:80, :200]
    circle = Image.fromarray(np.where((rows - 40) ** 2 + (columns - 100) ** 2 < 30**2, 255, 0).astype(np.uint8))
    for size in ((40, 40), (20, 60), (33, 17)):
        found = np.asarray(fitted(circle, size)) > 127
        assert found.shape == size
        assert abs(int(found.any(0).sum()) - int(found.any(1).sum())) <= 1 or found.any(0).all()


def test_making_smaller_is_antialiased() -> None:
    """A fine checkerboard becomes gray; taking every tenth pixel would leave black or white."""
    board = Image.fromarray(((np.indices((100, 100)).sum(0) % 2) * 255).astype(np.uint8))
    assert abs(np.asarray(fitted(board, (10, 10))).astype(int) - 127).max() < 20


def test_channels() -> None:
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    assert pixels_of(red, 1)[0, 0].tolist() == [76]  # luminance, ITU-R 601
    assert pixels_of(Image.new("L", (2, 2), 9), 3)[0, 0].tolist() == [9, 9, 9]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_of_every_number_of_channels_are_pictures(channels: int) -> None:
    image = opaque(picture_of(np.full((3, 5, channels), 255, np.uint8)))
    assert image.size == (5, 3)
    assert image.mode == ("L" if channels < 3 else "RGB")


def test_a_decoder_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    for data in (b"\x89PNG\r\n\x1a\n" + bytes(40), encoded(photo(), "TIFF")[:200], b"GIF89a" + bytes(20)):
        with pytest.raises(ValueError, match=r"."):
            decoded(data)
    assert capfd.readouterr() == ("", "")


def test_resizing_keeps_proportions_and_cuts_the_middle() -> None:
    """A wide image of three bands, left to right: the middle one is what remains."""
    bands = np.repeat(np.array([0, 100, 200], np.uint8), 30)[None].repeat(30, axis=0)
    result = np.asarray(fitted(Image.fromarray(bands), (10, 10)))
    assert result.shape == (10, 10)
    assert (result[:, 3:-3] == 100).all()


def test_a_photograph_is_read_as_it_is_seen(tmp_path: Path) -> None:
    """A camera that was turned says so in the file: the picture stands upright. What is transparent is white."""
    picture = Image.new("RGB", (8, 4), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").size == (4, 8)
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_image(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)
