"""What a folder of images holds: a label and a row of pixels for each file."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets.arrays import undivided
from goodinit.datasets.dataset import Dataset
from goodinit.datasets.files import LARGEST_BYTES, reading
from goodinit.datasets.saying import count
from goodinit.errors import bad_argument, printable

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
# What cameras and drawing programs write besides.
_UNREAD = {".heic", ".heif", ".avif", ".jfif", ".jp2", ".jxl", ".psd", ".svg", ".tga", ".dng"}
# Decoders of other formats stay shut, whatever a file's name says: Pillow hands EPS to Ghostscript.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
LARGEST_PIXELS = 50_000_000


def read_folder(folder: Path, size: tuple[int, int] | None) -> Dataset:
    """Return the images of a folder, a row of RGB values from 0 to 1 for each.

    An image's label is the subfolder that it lies in or, where all lie in the folder itself, the
    first word of its file name: ``cat.2671.jpg`` is a cat. Files that aren't images by their suffix
    and hidden ones are passed over. Images are turned as their EXIF orientation says; grey and
    palette images become RGB; transparency is dropped; of an animation, the first frame counts.

    Parameters
    ----------
    folder : Path
        The folder.
    size : (height, width) or None
        What every image is resized to (bilinear); None: they are all of one size already.

    Returns
    -------
    Dataset
        Without a test part; rows in the order of the sorted paths.

    Raises
    ------
    ArgumentError
        Where there are no images, a file is damaged or no image, an image has more than 50 million
        pixels or more than 8 bits a channel, sizes differ, or the array would exceed 8 GB.
    """
    name = folder.resolve().name
    with reading(str(folder), "a folder that can be read"):
        files = _image_files(folder)
    if not files:
        takes = f"a folder with images in it or in its subfolders ({', '.join(sorted(SUFFIXES))})"
        deeper = next((file.parent.parent for file in _deeper(folder)), None)
        takes += f" (there are some in subfolders of {str(deeper)!r}: give that)" if deeper else ""
        raise bad_argument("data", str(folder), takes)
    labels = [_label(folder, file) for file in files]
    X, shape = _read_all(folder, files, size)
    name = printable(name)
    found = undivided(name, X, labels, y_name=f"labels of {name}", image_shape=shape)
    return replace(found, preparation=_passed_over({file.parent for file in files}))


def _passed_over(folders: Iterable[Path]) -> tuple[str, ...]:
    """Return what to say of pictures beside the images that aren't read."""
    kinds = Counter(
        file.suffix.lower()
        for folder in folders
        for file in folder.iterdir()
        if file.suffix.lower() in _UNREAD and not file.name.startswith(".")
    )
    said = f"left out {count(kinds.total(), 'picture')} in {', '.join(sorted(kinds))}"
    return (said,) if kinds else ()


def _deeper(folder: Path) -> Iterator[Path]:
    """Yield the images in the subfolders' subfolders."""
    children = [child for child in sorted(folder.iterdir()) if _is_class(child)]
    for child in children:
        for grandchild in sorted(child.iterdir()):
            if _is_class(grandchild):
                yield from _images_in(grandchild)


def _is_class(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _image_files(folder: Path) -> list[Path]:
    here, below = _images_in(folder), []
    for child in sorted(folder.iterdir()):
        if _is_class(child):
            below += _images_in(child)
    if here and below:
        shown = [str(files[0].relative_to(folder)) for files in (here, below)]
        raise bad_argument("data", shown, "images in the folder or in its subfolders, not in both")
    return here or below


def _images_in(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in SUFFIXES
        and not file.name.startswith(".")
        and (file.is_file() or not file.exists())  # a link to nothing is refused when it is read
    )


def _label(folder: Path, file: Path) -> str:
    if file.parent != folder:
        return file.parent.name
    word = re.search(r"[^\W\d_]+", file.stem)
    if word is None:
        takes = (
            "a file name with a word in it for the label, or images in a subfolder for each label"
        )
        raise bad_argument("data", file.name, takes)
    return word.group()


def _read_all(
    folder: Path, files: list[Path], size: tuple[int, int] | None
) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    if size is not None:
        _check_memory(len(files), size, size)
    first = _pixels(folder, files[0], size)
    height, width, channels = first.shape
    _check_memory(len(files), (height, width), size)
    X = np.empty((len(files), first.size))
    for row, file in enumerate(files):
        pixels = _pixels(folder, file, size)
        if pixels.shape != first.shape:
            differ = [
                f"{f.relative_to(folder)} of {p.shape[0]} × {p.shape[1]}"
                for f, p in ((files[0], first), (file, pixels))
            ]
            takes = f"a size for all: {' and '.join(differ)} pixels (height × width) differ"
            raise bad_argument("image_size", size, takes)
        np.divide(pixels.reshape(-1), 255, out=X[row])
    return X, (height, width, channels)


def _check_memory(n_images: int, size: tuple[int, int], asked: tuple[int, int] | None) -> None:
    height, width = size
    n_bytes = n_images * height * width * 3 * np.dtype(np.float64).itemsize
    if n_bytes > LARGEST_BYTES:
        takes = f"a size at which {n_images} images need at most {LARGEST_BYTES / 1e9:g} GB"
        needed = f"{height} × {width} pixels (height × width) need {n_bytes / 1e9:.1f} GB"
        raise bad_argument("image_size", asked, f"{takes}: {needed}")


def _pixels(folder: Path, file: Path, size: tuple[int, int] | None) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps  # here, because it is slow to import

    # Relative to the folder, so that a long path doesn't push the file's name out of the message.
    shown = str(Path(folder.name) / file.relative_to(folder))
    with (
        reading(shown, "an image that Pillow can read"),
        warnings.catch_warnings(action="ignore"),
        Image.open(file, formats=FORMATS) as image,
    ):
        width, height = image.size
        if width * height > LARGEST_PIXELS:
            takes = (
                f"at most {LARGEST_PIXELS // 10**6} million pixels (this has {height} × {width})"
            )
            raise bad_argument("data", shown, takes)
        if image.mode.startswith(("I", "F")):
            raise bad_argument("data", shown, f"8 bits a channel (this has mode {image.mode})")
        rgb = ImageOps.exif_transpose(image).convert("RGB")
        if size is not None:
            rgb = rgb.resize(size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(rgb)
