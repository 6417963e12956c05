"""What all tests share: untimed properties, and NumPy's name in the examples of docstrings."""

import numpy as np
import pytest
from hypothesis import settings

# A busy machine must not fail a property for the time that an example takes.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _numpy_in_examples(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace["np"] = np
