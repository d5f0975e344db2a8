"""Many images from one path: an array file or a folder of pictures."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from nevoa.data.arrays import mapped
from nevoa.data.decode import pixels_of, read_image, size_in_words
from nevoa.errors import NevoaError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def read_images(path: Path) -> UInt8[np.ndarray, "N H W C"]:
    """The images of a .npy file or of the pictures in a folder, in the order of their names, all of one size.

    A NevoaError says what is wrong with them.
    """
    return _from_folder(path) if path.is_dir() else _from_array(path)


def _from_array(path: Path) -> UInt8[np.ndarray, "N H W C"]:
    try:
        images = mapped(path)
    except FileNotFoundError as error:
        raise NevoaError(f"There is no file or folder {path}.") from error
    except (OSError, ValueError) as error:
        raise NevoaError(f"{path} is not an .npy array of images: {str(error).splitlines()[0]}") from error
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or 0 in images.shape:
        found = f"{images.dtype} {list(images.shape)}"
        raise NevoaError(f"{path} holds {found}; images are uint8 [N, H, W, C] or [N, H, W].")
    return np.array(images if images.ndim == 4 else images[..., None])


def _from_folder(folder: Path) -> UInt8[np.ndarray, "N H W C"]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise NevoaError(f"There are no pictures in {folder} ({', '.join(sorted(SUFFIXES))}).")
    pictures = [pixels_of(read_image(path)) for path in paths]
    for path, pixels in zip(paths, pictures, strict=True):
        if pixels.shape != pictures[0].shape:
            first, other = (size_in_words(*image.transpose(2, 0, 1).shape) for image in (pictures[0], pixels))
            raise NevoaError(f"The pictures in {folder} differ: {paths[0].name} is {first}, {path.name} {other}.")
    return np.stack(pictures)
