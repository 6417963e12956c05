"""Where data comes from: by name, as arrays or frames, from a table file, from a folder of images.

- ``files``: what a path must be before it is read, with bounds
- ``dataset``: a data set: its parts, its task, what may be wrong with it
- ``parts``: cutting a test part, standardizing
- ``synthetic``: circles, moons, blobs, spirals, xor
- ``real``: digits, breast cancer, wine, iris
- ``arrays``: arrays of the user's own
- ``archives``: NumPy archives
- ``written``: numbers and dates as text writes them
- ``delimited``: CSV and its kin: packed, encoded, separated
- ``tables``: table files of every kind
- ``frames``: pandas and Polars frames
- ``cells``: what one column holds
- ``columns``: which columns can be learned from
- ``saying``: what was made of them, in phrases
- ``preparing``: a table's columns as features
- ``images``: folders of images
- ``load``: all of these behind one door
- ``resampling``: the same on several splits
"""

from goodinit.datasets.dataset import Dataset
from goodinit.datasets.load import NAMES, load
from goodinit.datasets.parts import TEST_FRACTION
from goodinit.datasets.real import breast_cancer, digits, iris, wine
from goodinit.datasets.resampling import load_splits
from goodinit.datasets.synthetic import blobs, circles, moons, spirals, xor

__all__ = [
    "NAMES",
    "TEST_FRACTION",
    "Dataset",
    "blobs",
    "breast_cancer",
    "circles",
    "digits",
    "iris",
    "load",
    "load_splits",
    "moons",
    "spirals",
    "wine",
    "xor",
]
