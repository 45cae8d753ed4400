"""The page as text: escaping, structure and contrast; a real browser reads it in `tests/real`."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hostile import HOSTILE, hostile
from hypothesis import given
from hypothesis import strategies as st
from reports import NOW, entry, explanation, report, week

from regsync.cli import screens
from regsync.cli.explanation import rows
from regsync.cli.formats.html import page
from regsync.cli.formats.markup import element, style
from regsync.cli.formats.stylesheet import DARK, LIGHT
from regsync.operations.report import StatusReport, UsedBy
from regsync.operations.verdict import Kind, Verdict

VOID = {"meta"}
KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "h1", "h2"),
    *("h3", "p", "time", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th", "td", "a"),
    *("details", "summary", "dl", "dt", "dd", "span", "code"),
}


class Read(HTMLParser):
    """Elements, attributes and texts, with every end tag demanded in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def whole(found: StatusReport, *hints: str) -> str:
    return page(found, screens.ordered(found.entries), NOW, hints)


def test_the_answer_comes_first() -> None:
    text = Read(whole(week())).text
    told = [
        "2 of 6 images stale, 1 undecided",
        "docker 28.5 · containerd store · 6 images, 2 registries · checked 2026-01-10 12:00 UTC",
        "1 outdated",
        "goals:latest",
        "22.11.0 → 24.1.0",
        "up to date (exact), 2 h ago, 2026-01-10 10:00 UTC",
        "97 of 100 pulls left at docker.io (for 203.0.113.7, per ",
    ]
    places = [text.index(part) for part in told]
    assert places == sorted(places)


def test_what_explains_it_stands_among_the_facts() -> None:
    moved = Verdict(Kind.OUTDATED, "moved", changed="22.11.0 → 24.1.0")
    made = replace(entry("node:latest", moved), explanation=explanation())
    text = Read(whole(report(made))).text
    for _, told in rows(made):
        assert told in text
    assert f"changed{moved.changed}" not in text


@pytest.mark.parametrize(
    ("found", "title"),
    [
        (report(), "No images"),
        (report(entry("a", Verdict(Kind.UP_TO_DATE))), "No image is stale"),
        (
            report(
                entry("a", Verdict(Kind.UP_TO_DATE), UsedBy("c", "web", True, True)),
                entry("b", Verdict(Kind.UP_TO_DATE)),
            ),
            "1 of 2 images stale",
        ),
    ],
)
def test_titles(found: StatusReport, title: str) -> None:
    assert f"<title>{title} - regsync status</title>" in whole(found)


def test_hostile_text_is_text() -> None:
    written = whole(hostile(), *HOSTILE)
    read = Read(written)
    assert read.names <= KNOWN
    assert not {name for name in read.attributes if name.startswith("on")} | {"src", "style"} & (
        read.attributes
    )
    assert all(link.removeprefix("#") in read.ids for link in read.links)
    assert len(read.ids) == len(set(read.ids))
    for text in HOSTILE:
        assert read.text.count(text) >= 6, text
    assert written.isascii()
    assert "a\\x00b\\x1b[31mc\\u202ed\\ud800e\\uffff" in read.text


@given(st.text())
def test_text_comes_back(text: str) -> None:
    text = text.replace("\r", "").replace("\x00", "").encode("utf-8", "ignore").decode()
    written = element("p", text, attributes={"title": text}).text
    assert written.isascii()
    assert len(re.findall("[<>]", written)) == 4
    references = HTMLParser(convert_charrefs=True)
    found: list[str] = []
    references.handle_data = found.append  # type: ignore[method-assign]
    references.feed(written)
    references.close()
    # Controls have no reference in HTML, which is why a page's texts are made `safe` before.
    if text.isprintable():
        assert "".join(found) == text


def test_the_policy_allows_this_style_alone() -> None:
    written = whole(week())
    [sheet] = re.findall(r"<style>(.*?)</style>", written, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;" in written
    assert "url(" not in sheet
    assert "@import" not in sheet
    with pytest.raises(AssertionError):
        style("</style>")


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [LIGHT, DARK])
@pytest.mark.parametrize("ground", ["page", "card"])
def test_contrast(colours: dict[str, str], ground: str) -> None:
    for name in set(colours) - {"page", "card", "line"}:
        pair = sorted((luminance(colours[name]), luminance(colours[ground])))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, name
