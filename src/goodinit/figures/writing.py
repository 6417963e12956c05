"""How pictures become files."""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from goodinit.errors import bad_argument

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
_DOTS = {"screen": 150, "paper": 300}  # an inch
_EFFORT = 3  # of 9: more makes a file smaller by a tenth, in twice the time


def check_formats(formats: Sequence[str]) -> None:
    """Raise ``ArgumentError`` for a format of pictures that isn't one of ``FORMATS``."""
    for kind in formats:
        if kind not in FORMATS:
            raise bad_argument("figures", kind, f"some of {', '.join(FORMATS)}, or none")


def files(
    drawings: "Mapping[str, Callable[[], Figure]]", formats: Sequence[str], figure_size: str
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files of each picture, drawn once for all formats."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from goodinit.figures.sizes import drawn, read_size

    size = read_size(figure_size)
    dots = _DOTS["paper" if size.width else "screen"]
    for name, draw in drawings.items() if formats else ():
        figure = drawn(draw, size)
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(dots)
        _lay_out(figure)
        for kind in formats:
            if kind == "png":
                canvas.draw()  # type: ignore[no-untyped-call]
                drawn_dots = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
                yield f"{name}.png", _png(drawn_dots[..., :3], dots)
                continue
            content = BytesIO()
            figure.savefig(content, format=kind, dpi=dots)
            yield f"{name}.{kind}", content.getvalue()


def _lay_out(figure: "Figure") -> None:
    """Solve a picture's layout here: saving would solve it anew, and draw twice, for each file."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def _png(pixels: NDArray[np.uint8], dots: int) -> bytes:
    """Return pixels, (height, width, 3), as a PNG file of so many dots an inch.

    Rows are packed as they are, without one of the filters that suit photographs: areas of one
    colour take a fifth of the time then, and less room.

    References
    ----------
    W3C 2025, Portable Network Graphics (third edition).
    """
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # the first of each says: no filter
    rows[:, 1:] = pixels.reshape(height, -1)
    metre = round(dots / 0.0254)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0),  # 8 bits of three colours
        b"pHYs": struct.pack(">IIB", metre, metre, 1),
        b"IDAT": zlib.compress(rows.tobytes(), _EFFORT),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
