"""The pages that are committed were built of the sources that are, from what goodinit says now."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import goodinit

WEB = Path(__file__).parents[2] / "web"
PAGES = Path(goodinit.__file__).parent / "pages"
FOLDERS = ("kernel", "src")
LAST = ("build.mjs", "package-lock.json")


def sources() -> str:
    """Return the checksum that ``web/build.mjs`` writes at the end of a page."""
    files = [path for folder in FOLDERS for path in (WEB / folder).rglob("*") if path.is_file()]
    names = [path.relative_to(WEB).as_posix() for path in files]
    told = sorted(
        name for name in names if not re.search(r"\.test\.ts$|\.wasm$|reference\.json$", name)
    )
    checksum = hashlib.sha256()
    for name in (*told, *LAST):
        checksum.update(f"{name}\n".encode())
        checksum.update((WEB / name).read_bytes())
    return checksum.hexdigest()


@pytest.mark.parametrize("page", ["play.html", "report.html"])
def test_a_page_is_built_of_what_is_committed(page: str) -> None:
    built = re.search(r"<!-- built of (\w+) -->\s*$", (PAGES / page).read_text(encoding="utf-8"))
    assert built is not None
    assert built[1] == sources(), "npm ci && npm run build in web/"


def test_the_pages_say_what_goodinit_says() -> None:
    checked = subprocess.run(  # noqa: S603  # our own
        [sys.executable, WEB / "export.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (checked.stdout, checked.returncode) == ("", 0), checked.stdout + checked.stderr
