"""What a page draws as pictures: decision boundaries of two features, and sample images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets import Dataset
from goodinit.errors import bad_argument
from goodinit.figures.looks import class_colours
from goodinit.network import OUTPUTS, Network, Parameters, forward
from goodinit.pages.columns import evenly, packed

_CELLS = 96  # of a side of a picture of the plane
_POINTS = 400
_CLASSES, _PER_CLASS, _PIXELS = 10, 4, 64
_UNKNOWN = 255  # of a network that says nothing there; a class from 254 on is drawn as one


def boundaries(
    data: Dataset, network: Network, panels: Sequence[tuple[str, int, Parameters]]
) -> dict[str, Any]:
    """Return what trained networks say over the plane, and the training examples on it.

    Parameters
    ----------
    data : Dataset
        Of classes, with two features.
    network : Network
    panels : sequence of (str, int, Parameters)
        A title, the initializer's place, and a trained network each.
    """
    X = data.X_train
    ends = np.stack([X.min(axis=0), X.max(axis=0)])
    room = np.ptp(X, axis=0)
    room = np.where(room > 0, room, 1.0)
    low, high = ends[0] - 0.1 * room, ends[1] + 0.1 * room
    across, up = (np.linspace(a, b, _CELLS) for a, b in zip(low, high, strict=True))
    plane = np.column_stack([one.ravel() for one in np.meshgrid(across, up[::-1])])
    some = evenly(len(X), _POINTS)
    return {
        "cells": _CELLS,
        "classes": list(data.classes or ()),
        "colours": class_colours(len(data.classes or ())),
        "points": packed((X[some] - low) / (high - low)),
        "labels": packed(data.y_train[some], "i32"),
        "panels": [
            {"title": title, "place": place, "said": packed(_said(network, of, plane), "u8")}
            for title, place, of in panels
        ],
    }


def _said(network: Network, parameters: Parameters, plane: NDArray[np.float64]) -> NDArray[Any]:
    """Return the class that a network says everywhere, row by row from the top."""
    with np.errstate(all="ignore"):  # finite weights may still overflow
        logits = forward(network, parameters, plane)[0][-1]
    said = np.minimum(OUTPUTS[network.output].classes(logits), _UNKNOWN - 1)
    return np.where(np.isnan(logits).any(axis=-1), _UNKNOWN, said)


def images(data: Dataset) -> dict[str, Any]:
    """Return the first training images of each class, of the first classes, small enough."""
    if data.image_shape is None:
        raise bad_argument("data", data.name, "images")
    height, width, channels = data.image_shape
    rows, columns = (evenly(size, _PIXELS) for size in (height, width))
    shown = []
    for label, name in list(enumerate(data.classes or ()))[:_CLASSES]:
        for image in data.X_train[data.y_train == label][:_PER_CLASS]:
            pixels = image.reshape(data.image_shape)[np.ix_(rows, columns)]
            colour = (
                pixels[..., :3] if channels >= 3 else pixels.mean(-1, keepdims=True).repeat(3, -1)
            )
            levels = (255 * np.clip(colour, 0, 1)).round().astype(np.uint8)
            shown.append({"class": name, "pixels": packed(levels, "u8")})
    return {"width": len(columns), "height": len(rows), "shown": shown}
