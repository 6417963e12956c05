"""A study that was kept, read without importing what trains one."""

from pathlib import Path

from goodinit.comparison import Comparison
from goodinit.store import folder as store


def load(folder: str | Path) -> Comparison:
    """Read a study from its folder, without training anything or changing the folder.

    Parameters
    ----------
    folder : str or Path
        Where ``compare(..., out=folder)`` or ``Comparison.save`` kept it.

    Returns
    -------
    Comparison
        Of everything that the folder was asked for, as far as its seeds are finished; marked
        ``interrupted`` where some are not.

    Raises
    ------
    ArgumentError
        Where the folder holds no study, or none of which a whole seed is finished.
    """
    loaded = store.load(folder)
    short = loaded.finished.seeds != loaded.study.seeds
    return Comparison(loaded.finished, loaded.parts, short, loaded.notes)
