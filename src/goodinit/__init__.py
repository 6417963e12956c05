"""goodinit says which weight initialization is good for a network on data, with evidence."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goodinit import articles, datasets, initializers, theory
    from goodinit.articles.reproduce import reproduce
    from goodinit.comparison import Comparison
    from goodinit.datasets import Dataset
    from goodinit.errors import ArgumentError, StudyStoppedError
    from goodinit.initializers import Scheme, gain
    from goodinit.running.compare import compare
    from goodinit.running.loading import load
    from goodinit.running.mapping import Map, map  # noqa: A004
    from goodinit.theory.predict import predict
    from goodinit.theory.prediction import Prediction

__all__ = [
    "ArgumentError",
    "Comparison",
    "Dataset",
    "Map",
    "Prediction",
    "Scheme",
    "StudyStoppedError",
    "articles",
    "compare",
    "datasets",
    "gain",
    "initializers",
    "load",
    "map",
    "predict",
    "reproduce",
    "theory",
]

# Imported when first asked for, so that `goodinit --help` waits for no pandas.
_HOMES = {
    "ArgumentError": "errors",
    "Comparison": "comparison",
    "Dataset": "datasets",
    "Map": "running.mapping",
    "Prediction": "theory.prediction",
    "Scheme": "initializers",
    "StudyStoppedError": "errors",
    "compare": "running.compare",
    "gain": "initializers",
    "load": "running.loading",
    "map": "running.mapping",
    "predict": "theory.predict",
    "reproduce": "articles.reproduce",
}
_EXTRAS = ("cluster", "torch")  # whose packages may not be installed: not for `import *`


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"goodinit.{_HOMES[name]}"), name)
    if name in __all__ or name in _EXTRAS:
        return import_module(f"goodinit.{name}")
    raise AttributeError(f"module 'goodinit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
