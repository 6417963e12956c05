"""The playground in a real browser: it opens from the disk alone, races, and does what it says."""

import re
from pathlib import Path
from typing import Any

import pytest
from browser import opened, until, violations

import goodinit

pytestmark = pytest.mark.slow

PAGE = Path(goodinit.__file__).parent / "pages" / "play.html"
SMALL = {"hidden": "4", "seeds": "2", "init": "he_normal zeros", "speed": "5"}


def iteration(page: Any) -> int:
    """Return the iteration that the bar says."""
    return int(re.sub(r"\D", "", page.locator("#iteration").inner_text()) or 0)


def reach(page: Any, least: int) -> None:
    """Wait until so many iterations were made."""
    said = "Number(document.getElementById('iteration').textContent.replace(/\\D/g, ''))"
    until(page, f"{said} >= {least}")


def figures(page: Any) -> list[str]:
    """Return what the panels say of costs and layers, once it is settled."""
    until(page, "document.querySelectorAll('.layers tbody tr').length > 0")
    page.wait_for_timeout(300)
    return [*page.locator(".figures").all_inner_texts(), *page.locator(".layers").all_inner_texts()]


def steps(page: Any, count: int) -> None:
    """Press the button for one step so often, and wait for each."""
    for _ in range(count):
        before = iteration(page)
        page.get_by_role("button", name="One step").click()
        reach(page, before + 1)


def test_it_opens_with_three_initializers_side_by_side() -> None:
    with opened(PAGE) as page:
        assert page.locator(".panel h2").all_inner_texts() == [
            "zeros",
            "normal(std=10)",
            "he_normal",
        ]
        assert page.locator("#presets button").count() == 7
        assert any("test accuracy" in line for line in figures(page))
        page.wait_for_selector(".signal .band", state="attached")  # theory's


def test_it_runs_stops_steps_and_rewinds_to_the_same_weights() -> None:
    with opened(PAGE, state=SMALL) as page:
        start = figures(page)
        page.get_by_role("button", name="Start").click()
        reach(page, 20)
        page.get_by_role("button", name="Stop").click()
        figures(page)
        stopped = iteration(page)
        page.wait_for_timeout(300)
        assert iteration(page) == stopped
        steps(page, 1)
        assert iteration(page) == stopped + 1
        assert figures(page) != start
        page.get_by_role("button", name="Rewind").click()
        until(page, "document.getElementById('iteration').textContent === 'iteration 0'")
        assert figures(page) == start


def test_a_new_draw_has_other_weights_and_seeds() -> None:
    with opened(PAGE, state=SMALL) as page:
        before = figures(page)
        page.get_by_role("button", name="New draw").click()
        assert figures(page) != before
        assert "first=2" in page.url
        assert page.locator("#command").inner_text().endswith("--seeds 2,3")


def test_a_link_shows_the_same_draws_and_the_same_curves() -> None:
    state = {**SMALL, "first": "6", "data": "moons", "activation": "tanh", "rate": "0.3"}
    seen = []
    for _ in range(2):
        with opened(PAGE, state=state) as page:
            start = figures(page)
            steps(page, 3)
            seen.append((start, figures(page), page.url))
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[0][1]


def test_an_address_of_nonsense_opens_as_at_the_start() -> None:
    nonsense = {"data": "<img src=x>", "hidden": "9999", "init": "constructor", "rate": "NaN"}
    with opened(PAGE, state=nonsense) as page:
        assert page.locator(".panel").count() == 3
        assert page.locator("img").count() == 0


def test_a_preset_tells_its_story_and_shows_it() -> None:
    with opened(PAGE) as page:
        page.get_by_role("button", name="Zeros").click()
        assert page.locator("#story").inner_text().startswith("With zeros, all units")
        reach(page, 10)
        said = page.locator(".said").first
        said.filter(has_text="fails to break symmetry").wait_for()
        assert "1 distinct of 10 units in layer 1" in said.inner_text()
        assert page.locator("canvas.units:visible").count() == 2
        page.get_by_role("button", name="Stop").click()


def test_every_preset_runs_without_complaint() -> None:
    with opened(PAGE) as page:
        for button in page.locator("#presets button").all():
            button.click()
            reach(page, 1)
            until(page, "document.querySelectorAll('.panel').length === 2")
        page.get_by_role("button", name="Stop").click()


def test_what_is_looked_at_changes_nothing_of_the_training() -> None:
    with opened(PAGE, state=SMALL) as page:
        steps(page, 2)
        before = page.locator(".figures").all_inner_texts()
        page.get_by_label("Boundary of").select_option("boundary: mean of seeds")
        page.get_by_label("Pictures of units").select_option("units: layer 1")
        page.locator("canvas.units").first.wait_for(state="visible")
        assert (iteration(page), page.locator(".figures").all_inner_texts()) == (2, before)


def test_the_form_changes_what_is_trained() -> None:
    with opened(PAGE, state=SMALL) as page:
        page.get_by_label("Data").select_option("blobs")
        page.get_by_label("Hidden layers").fill("6,6")
        page.get_by_label("Hidden layers").press("Enter")
        page.get_by_role("button", name="Add an initializer").click()
        until(page, "document.querySelectorAll('.panel').length === 3")
        assert page.locator("#summary").inner_text().startswith("blobs · 2-6-6-3 · relu")
        page.get_by_label("Initializer 3", exact=True).select_option("normal")
        page.get_by_label("std of initializer 3").fill("-1")
        page.locator(".panel h2", has_text="normal(std=0.1)").wait_for()
        page.get_by_label("Remove initializer 1").click()
        until(page, "document.querySelectorAll('.panel').length === 2")
        command = "goodinit compare blobs --hidden 6,6 --activation relu --learning-rate 0.03"
        assert page.locator("#command").inner_text().startswith(command)


def test_points_are_painted_by_pointer_and_by_keyboard() -> None:
    with opened(PAGE, state=SMALL) as page:
        page.get_by_label("Data").select_option("painted")
        page.get_by_role("button", name="Clear").click()
        assert "Paint points of two colours" in page.locator("#panels").inner_text()
        box = page.locator(".boundary").first.bounding_box()
        page.mouse.move(box["x"] + 20, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 120, box["y"] + 20, steps=20)
        page.mouse.up()
        page.get_by_role("button", name="blue", exact=True).click()
        picture = page.locator(".boundary").first
        picture.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        until(page, "location.hash.includes('points=')")
        points = re.search(r"points=(\w+)", page.url)
        assert points is not None
        dots = re.findall(r"\w{4}(\d)", points[1])
        assert len(dots) > 4  # a stroke of red ones, and a blue one
        assert (set(dots[:-1]), dots[-1]) == ({"0"}, "1")
        steps(page, 2)
        assert "training accuracy" in page.locator(".figures").first.inner_text()


def test_command_and_link_are_copied() -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    with opened(PAGE, state=SMALL, permissions=permissions) as page:
        page.get_by_role("button", name="Copy the command").click()
        page.get_by_role("button", name="Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator("#command").inner_text()
        assert copied.startswith("goodinit compare circles --hidden 4")
        page.get_by_role("button", name="Copy the link").click()
        until(page, "navigator.clipboard.readText().then(t => t.startsWith('file:'))")
        assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_it_is_used_by_keyboard_alone() -> None:
    with opened(PAGE, state=SMALL) as page:
        figures(page)
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "start":
                break
        page.keyboard.press("Enter")
        reach(page, 5)
        assert page.evaluate("document.activeElement.textContent") == "Stop"
        page.keyboard.press("Enter")
        until(page, "document.activeElement.textContent === 'Start'")
        page.keyboard.press("Tab")
        before = iteration(page)
        page.keyboard.press("Enter")
        reach(page, before + 1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1000, 1600])
def test_everyone_can_read_it(width: int, scheme: str) -> None:
    size = {"width": width, "height": 900}
    with opened(PAGE, state=SMALL, viewport=size, color_scheme=scheme) as page:
        figures(page)
        page.get_by_label("Pictures of units").select_option("units: layer 1")
        page.locator("canvas.units").first.wait_for(state="visible")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_is_small_enough_to_be_sent() -> None:
    assert PAGE.stat().st_size <= 400_000
