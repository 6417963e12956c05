"""Where data comes from: by name, as arrays, from a table file, from a folder of images."""

from goodinit.datasets.dataset import Dataset
from goodinit.datasets.load import NAMES, load
from goodinit.datasets.real import breast_cancer, digits, iris, wine
from goodinit.datasets.synthetic import blobs, circles, moons, spirals, xor

__all__ = [
    "NAMES",
    "Dataset",
    "blobs",
    "breast_cancer",
    "circles",
    "digits",
    "iris",
    "load",
    "moons",
    "spirals",
    "wine",
    "xor",
]
