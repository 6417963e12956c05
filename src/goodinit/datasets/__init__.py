"""Where data comes from: by name, as arrays, from a table file, from a folder of images.

- ``files``: opening what a path names, with bounds
- ``dataset``: a data set: its parts, its task, what may be wrong with it
- ``parts``: cutting a test part, standardizing
- ``synthetic``: circles, moons, blobs, spirals, xor
- ``real``: digits, breast cancer, wine, iris
- ``arrays``: arrays of the user's own
- ``tables``: table files
- ``images``: folders of images
- ``load``: all of these behind one door
"""

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
