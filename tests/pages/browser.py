"""A browser for the tests of pages: Debian's Chromium, without a network."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ANSWERS_ALONE = ("file:", "data:", "blob:")


@contextmanager
def opened(path: Path, state: dict[str, str] | None = None, **context: Any) -> Iterator[Any]:
    """Yield a page that was opened from the disk; fail where it complains or asks a network.

    The state is what its address has after #.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        pytest.skip("there is no Chromium")
    said: list[str] = []
    asked: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(offline=True, **context).new_page()
        page.on("console", lambda line: said.append(f"{line.type}: {line.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{path.resolve().as_uri()}#{urlencode(state or {})}")
        page.wait_for_selector("main")
        yield page
        browser.close()
    assert said == []
    assert [url for url in asked if not url.startswith(ANSWERS_ALONE)] == []


def until(page: Any, holds: str, seconds: float = 60) -> None:
    """Wait until an expression holds; by asking, since the page's policy forbids to evaluate."""
    end = time.monotonic() + seconds
    while not page.evaluate(holds):
        assert time.monotonic() < end, f"never: {holds}"
        page.wait_for_timeout(50)


def violations(page: Any) -> list[str]:
    """Return what axe-core finds of the serious kind, each with the element."""
    if not AXE.exists():
        pytest.skip("there is no axe-core: npm ci in web/")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]
