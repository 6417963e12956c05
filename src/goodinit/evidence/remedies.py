"""What there is to do about a verdict, by its label."""

import re

# In the words of the labels, where X is another initializer.
REMEDIES: dict[str, str] = {
    "recommended": "Use it.",
    "equivalent to X": "Use either: a difference that would matter is ruled out.",
    "undecided against X": "Run more seeds, or use either and don't call one better.",
    "slower than X": "Use X, or train this one for longer.",
    "fits faster than X, generalizes worse": "Use X, or stop this one earlier.",
    "worse than X": "Use X.",
    "fails more often than X": "Use X: which seeds fail isn't known before training.",
    "fails to break symmetry": "Draw the weights at random; zeros do no harm where there are no "
    "hidden units, or in the last layer only.",
    "contradicting targets": "Look at the data: features that tell the examples apart are missing, "
    "or the labels are wrong.",
    "data not scaled": "Standardise the features (--standardize).",
    "targets not scaled": "Standardise the targets.",
    "exploding gradients": "Take the gain of the activation, or orthogonal weights.",
    "weights too large": "Scale by the fan-in: He for ReLU, LeCun or Glorot for tanh.",
    "saturated": "Take smaller weights, and standardise the inputs.",
    "dead units": "Check signs and scale of the inputs, or take a leaky ReLU.",
    "learning rate too high": "Take a smaller learning rate.",
    "diverges": "Take a smaller learning rate.",
    "weights too small": "Scale by the fan-in: He for ReLU, LeCun or Glorot for tanh.",
    "vanishing gradients": "Take He's scale for ReLU, and fewer sigmoid layers.",
    "does not learn": "Train for longer, or with larger steps, as its sentence says.",
    "too few seeds": "Run more seeds.",
    "too few splits": "Run more splits.",
}
_PATTERNS = {
    label: re.compile(re.escape(label).replace("X", "(?P<other>.+?)"), re.DOTALL)
    for label in REMEDIES
}


def remedy(label: str) -> str:
    """Return what there is to do about a verdict of this label; nothing where nobody knows.

    Examples
    --------
    >>> remedy("slower than he_normal")
    'Use he_normal, or train this one for longer.'
    """
    for known, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(label):
            said = REMEDIES[known]
            return said.replace("X", found["other"]) if "X" in known else said
    return ""
