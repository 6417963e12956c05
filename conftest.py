"""What all tests share: untimed properties, and NumPy's name in the examples of docstrings."""

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import settings

# A busy machine must not fail a property for the time that an example takes.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")

# What the tests of modules build on has no tests. Where PyTorch isn't installed, the examples that
# need it are left out too.
collect_ignore_glob = [
    *(f"tests/pytorch/inspecting/{name}.py" for name in ("models", "pieces", "schemes", "zoo_*")),
    *([] if find_spec("torch") else ["src/goodinit/torch/*", "docs/torch-*.md", "docs/vgg.py"]),
    *(
        f"src/goodinit/torch/callbacks/{name}.py"
        for name in ("lightning", "transformers")
        if not find_spec(name)
    ),
]


@pytest.fixture(autouse=True)
def _numpy_in_examples(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace["np"] = np
