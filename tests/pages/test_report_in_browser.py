"""The report in a real browser: it opens from the disk alone, and does what it says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import opened, violations

import goodinit as gi

pytestmark = pytest.mark.slow

CHART = "#curves [role=slider]"


@pytest.fixture(scope="module")
def circles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "circles.html"
    result = gi.compare(
        "circles",
        initializers=["zeros", "normal(std=10)", "he_normal"],
        learning_rate=[0.01, 0.1],
        iterations=300,
        seeds=8,
    )
    result.report(path)
    return path


def test_it_opens_with_the_answer_first(circles: Path) -> None:
    with opened(circles) as page:
        headings = page.locator("h2").all_text_contents()
        assert headings[0] == "The answer"
        assert headings[-1] == "How it was made"
        assert {"Cost while training", "Every pair", "Learning rates"} <= set(headings)
        assert page.locator("#answer tbody tr").count() == 3
        assert page.locator("#boundaries canvas").count() == 3
        assert page.title() == "circles, 2-10-5-1, relu, sigmoid: goodinit"


def test_hovering_reads_the_chart(circles: Path) -> None:
    with opened(circles) as page:
        caption = page.locator("#curves .numbers caption")
        assert "at iteration 300" in caption.inner_text()
        page.locator(CHART).scroll_into_view_if_needed()
        box = page.locator(f"{CHART} .u-over").bounding_box()
        page.mouse.move(box["x"] + 1, box["y"] + 50)
        caption.filter(has_text="at iteration 0:").wait_for()


def test_the_arrow_keys_read_the_chart(circles: Path) -> None:
    with opened(circles) as page:
        chart = page.locator(CHART)
        chart.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert chart.get_attribute("aria-valuenow") == "3"
        assert "he_normal" in chart.get_attribute("aria-valuetext")
        page.keyboard.press("End")
        assert chart.get_attribute("aria-valuenow") == "300"


def test_a_name_hides_its_initializer_everywhere(circles: Path) -> None:
    with opened(circles) as page:
        button = page.locator("#curves button.name", has_text="zeros")
        assert button.get_attribute("aria-pressed") == "true"
        button.focus()
        page.keyboard.press("Enter")
        assert (
            page.locator("#curves button.name", has_text="zeros").get_attribute("aria-pressed")
            == "false"
        )
        assert page.locator("#boundaries canvas").count() == 2
        assert page.locator("#seeds .strip .who", has_text="zeros").count() == 0
        assert page.evaluate("document.activeElement.textContent") == "zeros"  # to go on from


def _inked(page: Any) -> int:
    """Return how many pixels of the chart are drawn on."""
    ink = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
    counted = f"c => ({ink})(c).filter((v, i) => i % 4 === 3 && v > 0).length"
    return int(page.locator(f"{CHART} canvas").evaluate(counted))


def test_all_seeds_of_one_are_shown(circles: Path) -> None:
    with opened(circles) as page:
        before = _inked(page)
        page.get_by_label("all seeds of normal(std=10)").first.click()
        page.wait_for_timeout(100)
        assert _inked(page) > before


def test_scale_part_and_rate_can_be_chosen(circles: Path) -> None:
    with opened(circles) as page:
        said = page.locator("#curves .numbers tbody tr", has_text="he_normal")
        train = said.inner_text()
        page.locator("#curves label", has_text="cost").locator("select").select_option("test cost")
        assert said.inner_text() != train
        page.locator("#curves label", has_text="axis").locator("select").select_option("linear")
        page.locator("#curves label", has_text="learning").locator("select").select_option("0.01")
        assert "test cost at iteration" in page.locator("#curves caption").inner_text()
        page.locator("#pairs select").select_option("training cost")
        assert "training cost, row minus column" in page.locator("#pairs caption").inner_text()


def test_the_command_is_copied(circles: Path) -> None:
    with opened(circles, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_role("button", name="Copy the command").click()
        page.get_by_role("button", name="Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator("#command").inner_text()
        assert copied.startswith("goodinit compare circles --init")


def test_the_table_is_taken_along(circles: Path) -> None:
    with opened(circles, accept_downloads=True) as page:
        with page.expect_download() as download:
            page.get_by_role("button", name="Download the table as CSV").click()
        assert download.value.suggested_filename == "summary.csv"
        lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
        assert (len(lines), lines[0].split(",")[0]) == (4, "initializer")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_everyone_can_read_it(circles: Path, width: int, scheme: str) -> None:
    with opened(circles, viewport={"width": width, "height": 900}, color_scheme=scheme) as page:
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_light_whatever_the_screen_is(circles: Path) -> None:
    with opened(circles, color_scheme="dark") as page:
        page.emulate_media(media="print")
        colour = "getComputedStyle(document.querySelector('section')).backgroundColor"
        assert page.evaluate(colour) == "rgb(255, 255, 255)"
        assert page.locator("nav").is_hidden()


def test_names_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    evil = "x</script><img src=x onerror=\"document.title='caught'\">"
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = (X[:, 0] > 0).astype(int)
    data = gi.datasets.Dataset(evil, X, y, X, y, (evil, "b"))

    def drawn(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
        return rng.normal(size=shape)

    drawn.__name__ = evil
    gi.compare(data, initializers=[drawn, "he"], iterations=5, seeds=2).report(tmp_path / "p.html")
    with opened(tmp_path / "p.html") as page:
        assert page.locator("h1").inner_text().startswith(evil)
        assert page.locator("img").count() == 0
        assert page.title().endswith(": goodinit")


def test_a_regression_and_images_open_too(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    gi.compare((X, X @ [1.0, 2, 3]), initializers=["zeros", "he"], iterations=30, seeds=3).report(
        tmp_path / "price.html"
    )
    with opened(tmp_path / "price.html") as page:
        assert "R² of every seed" in page.locator("h2").all_text_contents()
    gi.compare("digits", initializers=["zeros", "he"], iterations=5, seeds=2).report(
        tmp_path / "digits.html"
    )
    with opened(tmp_path / "digits.html") as page:
        assert page.locator("#images canvas").count() == 40


def test_an_inspection_has_its_cure_at_its_layer(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from goodinit.torch import inspect

    torch.manual_seed(0)
    relu, linear = torch.nn.ReLU, torch.nn.Linear
    model = torch.nn.Sequential(linear(20, 50), relu(), linear(50, 50), relu(), linear(50, 3))
    torch.nn.init.zeros_(model[2].weight)
    torch.nn.init.zeros_(model[2].bias)
    inspect(model, torch.randn(64, 20), torch.randint(3, (64,))).save_html(tmp_path / "m.html")
    with opened(tmp_path / "m.html", permissions=["clipboard-read", "clipboard-write"]) as page:
        rows = page.locator(".ladder tbody tr")
        assert rows.count() == 4
        assert "fails to break symmetry" in rows.nth(2).inner_text()
        assert "1 of 50" in rows.nth(1).inner_text()
        assert "→" in rows.nth(1).inner_text()
        assert page.locator(".ladder .ring").count() == 6
        page.get_by_role("button", name="Copy the cure").first.click()
        page.get_by_role("button", name="Copied").wait_for()
        assert "goodinit.torch.initialize(" in page.evaluate("navigator.clipboard.readText()")
        assert violations(page) == []
