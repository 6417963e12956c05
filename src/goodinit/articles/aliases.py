"""The names of NumPy's that older notebooks write, and that NumPy 1.24 took away."""

import numpy as np

_REMOVED = {"int": int, "float": float, "complex": complex, "object": object}


def restore() -> None:
    """Give NumPy back ``np.int`` and its like, Python's own types, where it lacks them.

    A notebook of 2018 writes ``np.zeros((1, m), dtype=np.int)`` in a cell of its own. NumPy is the
    process's, so this is done for the articles' modules alone, which exist to run such notebooks.

    Examples
    --------
    >>> restore()
    >>> np.zeros(2, dtype=getattr(np, "int"))
    array([0, 0])
    """
    for name, python_type in _REMOVED.items():
        if name not in vars(np):
            setattr(np, name, python_type)
