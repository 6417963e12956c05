"""How pictures become files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from goodinit.errors import bad_argument

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
_DOTS = {"screen": 150, "paper": 300}  # an inch
_EFFORT = 1  # of 9: more makes a file smaller by a tenth, in half as much time again


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
    from PIL import Image

    from goodinit.figures.sizes import drawn, read_size

    size = read_size(figure_size)
    dots = _DOTS["paper" if size.width else "screen"]
    for name, draw in drawings.items() if formats else ():
        figure = drawn(draw, size)
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(dots)
        _lay_out(figure)
        for kind in formats:
            content = BytesIO()
            if kind == "png":
                canvas.draw()  # type: ignore[no-untyped-call]
                pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
                image = Image.fromarray(pixels)
                image.save(content, "PNG", compress_level=_EFFORT, dpi=(dots, dots))
            else:
                figure.savefig(content, format=kind, dpi=dots)
            yield f"{name}.{kind}", content.getvalue()


def _lay_out(figure: "Figure") -> None:
    """Solve a picture's layout here: saving would solve it anew, and draw twice, for each file."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)
