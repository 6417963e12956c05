"""The articles' own functions under their published names, and the figures that they publish.

Only here are examples in columns, as published: ``X`` is (features, examples) and ``Y`` is
(1, examples). Only here is randomness NumPy's legacy global stream (``np.random.seed``,
``np.random.randn``), since the published numbers were drawn from it. "Xavier" is the articles' word
for N(0, 1/fan_in), which the rest of goodinit calls ``lecun_normal``.

A notebook written for the articles runs with its import lines changed:

========================================  ===================================
``init_utils`` (articles 000 to 003)      ``goodinit.articles.three_layer``
``public_tests`` (newer notebooks)        ``goodinit.articles.public_tests``
``coding_neural_network_from_scratch``    ``goodinit.articles.deep``
``load_dataset`` (article 004)            ``goodinit.articles.deep``
========================================  ===================================

- ``arguments``: what the functions accept
- ``layers``: the mathematics that they share
- ``aliases``: names that NumPy took away
- ``neighbours``: what the course's next assignments import
- ``three_layer``: articles 000 to 003
- ``public_tests``: the checks that newer notebooks import
- ``photographs``: the cats and dogs of article 004
- ``deep``: article 004
- ``published``: the figures that the articles print
- ``experiments``: the runs that these come from
- ``rounding``: how far rounding alone moves a figure
- ``explain``: what that means, in sentences
- ``reproduce``: published beside measured
- ``selftest``: whether this machine comes to their digits, in two seconds
"""

from importlib import import_module
from typing import Any

_MODULES = ("deep", "public_tests", "three_layer")


def __getattr__(name: str) -> Any:
    """Import a module when it is first asked for: all bring Matplotlib's pyplot."""
    if name in _MODULES:
        return import_module(f"goodinit.articles.{name}")
    raise AttributeError(f"module 'goodinit.articles' has no attribute {name!r}")
