"""The command that makes a study again."""

import shlex
from dataclasses import fields

from goodinit.datasets import NAMES, Dataset, load
from goodinit.datasets.parts import with_validation
from goodinit.evidence.pairs import MARGIN
from goodinit.study.grid import Study, Training
from goodinit.study.trials import AnyStudy

YOURS = "YOUR-DATA"


def command(study: AnyStudy, by: str | None, margin: float) -> str:
    """Return the command that makes a study of a network again; of a module's, an empty string.

    What the user's own data were read from isn't known to a study: ``YOURS`` stands for it.

    Examples
    --------
    >>> from goodinit.study.grid import plan
    >>> study = plan(load("circles"), initializers=["zeros", "he"], hidden=(8,) * 3,
    ...              activation="tanh", learning_rate=0.1, seeds=5,
    ...              training=Training(iterations=200))
    >>> print(command(study, None, MARGIN))
    goodinit compare circles --init zeros,he_normal --hidden 8,8,8 --activation tanh
        --learning-rate 0.1 --seeds 5 --iterations 200
    """
    if not isinstance(study, Study):
        return ""
    data, count = study.dataset, len(study.seeds)
    training, usual = study.training, Training()
    seeds = [str(count)] if study.seeds == tuple(range(count)) else map(str, study.seeds)
    options = {
        "init": ",".join(scheme.name for scheme in study.schemes),
        "hidden": ",".join(map(str, study.network.layers[1:-1])) or "none",
        "activation": study.network.activation,
        "bias": "" if study.biases.std == 0 else str(study.biases),
        "learning-rate": ",".join(f"{rate:g}" for rate in study.learning_rates),
        "seeds": ",".join(seeds),
        "splits": "" if study.splits == 1 else str(study.splits),
        **{
            one.name.replace("_", "-"): str(getattr(training, one.name))
            for one in fields(Training)
            if getattr(training, one.name) != getattr(usual, one.name)
        },
        "by": by or "",
        "margin": "" if margin == MARGIN else f"{margin:g}",
    }
    given = [word for name, value in options.items() if value for word in (f"--{name}", value)]
    return shlex.join(["goodinit", "compare", data.name if _is_by_name(data) else YOURS, *given])


def _is_by_name(data: Dataset) -> bool:
    """Return whether the data set of that name has these examples, some set aside or none."""
    if data.name not in NAMES:
        return False
    named = load(data.name)
    whole = named if data.X_validation is None else with_validation(named)
    return whole.fingerprint == data.fingerprint
