"""What becomes of a report that a callback has made: a warning, an error, or what the user does."""

import warnings
from collections.abc import Callable

from goodinit.errors import bad_argument
from goodinit.torch.inspecting.report import Report, told

OnFinding = str | Callable[[Report], object]
WAYS = ("warn", "raise", "ignore")


def check_way(on_finding: OnFinding) -> None:
    """Raise where it is neither one of ``WAYS`` nor a function of a report."""
    if on_finding not in WAYS and not callable(on_finding):
        raise bad_argument("on_finding", on_finding, f"{', '.join(WAYS)}, or a function")


def tell_findings(report: Report, on_finding: OnFinding) -> None:
    """Do with a report what the user wants done, where something is wrong.

    Raises
    ------
    AssertionError
        With the findings, for "raise".
    """
    if not report.findings:
        return
    if not isinstance(on_finding, str):
        on_finding(report)
    elif on_finding == "raise":
        report.assert_healthy()
    elif on_finding == "warn":
        warnings.warn(f"before the first step:\n{told(report.findings)}", stacklevel=3)
