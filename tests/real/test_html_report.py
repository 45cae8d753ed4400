"""The page in a real browser: text stays text, nothing is asked for, nothing is complained of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Page, browser
from hostile import HOSTILE, hostile
from reports import NOW, week

from regsync.cli import screens
from regsync.cli.formats.html import page
from regsync.operations.report import StatusReport

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def show(tab: Page, folder: Path, text: str) -> None:
    """Open a text as a page, and demand that nothing else was asked for."""
    file = folder / "status.html"
    file.write_text(text, encoding="ascii")
    tab.requests.clear()
    tab.complaints.clear()
    tab.open(file.as_uri())


def written(report: StatusReport, *hints: str) -> str:
    return page(report, screens.ordered(report.entries), NOW, hints)


def test_hostile_text_is_shown_as_it_is(tab: Page, tmp_path: Path) -> None:
    show(tab, tmp_path, written(hostile(), *HOSTILE))
    assert tab.look("document.querySelectorAll('script,img,iframe,form,object').length") == 0
    names = tab.look("[...document.querySelectorAll('tbody th')].map(each => each.textContent)")
    changed = tab.look(
        "[...document.querySelectorAll('td[data-label=\"What changed\"]')]"
        ".map(each => each.textContent)"
    )
    hints = tab.look("[...document.querySelectorAll('main ul li')].map(each => each.textContent)")
    terms = tab.look("[...document.querySelectorAll('dd')].map(each => each.textContent)")
    assert set(HOSTILE) <= set(names)
    assert {f"{text}, {text}" for text in HOSTILE} <= set(changed)
    assert list(HOSTILE) == hints
    assert set(HOSTILE) <= set(terms)
    assert tab.requests == [(tmp_path / "status.html").as_uri()]
    assert tab.complaints == []


def test_scripts_and_requests_would_be_noticed(tab: Page, tmp_path: Path) -> None:
    show(tab, tmp_path, "<img src='other.png'><script>console.log('run')</script>")
    assert tab.requests[1:] == [(tmp_path / "other.png").as_uri()]
    assert tab.complaints


def test_the_policy_stops_what_would_get_in(tab: Page, tmp_path: Path) -> None:
    """Even if something were not escaped."""
    bad = "<script>document.title = 'run'</script><style>body { display: none }</style></body>"
    show(tab, tmp_path, written(week()).replace("</body>", bad))
    assert tab.look("document.title") == "2 of 6 images stale, 1 undecided - regsync status"
    assert tab.look("getComputedStyle(document.body).display") == "block"
    assert len(tab.complaints) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pixels", [320, 600, 1200])
def test_it_fits_and_follows_the_scheme(
    tab: Page, tmp_path: Path, pixels: int, scheme: str
) -> None:
    tab.width(pixels)
    tab.media(prefers_color_scheme=scheme)
    show(tab, tmp_path, written(week()))
    assert tab.look("document.documentElement.scrollWidth") <= pixels
    light = tab.look("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")
    assert tab.complaints == []


def test_paper_shows_everything_in_the_light(tab: Page, tmp_path: Path) -> None:
    tab.width(800)
    tab.media("print", prefers_color_scheme="dark")
    show(tab, tmp_path, written(week()))
    assert tab.look("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    heights = tab.look("[...document.querySelectorAll('dl')].map(each => each.offsetHeight)")
    assert min(heights) > 0
    tab.media()
