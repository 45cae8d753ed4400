"""`--format html`: one page that needs nothing else, to mail, to keep or to put on a server.

No script, and a policy that lets the browser load nothing: whatever a registry put into a version
or a container into its name stays text, and opening the page tells nobody.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from regsync import __version__
from regsync.cli import infiles, screens, words
from regsync.cli.envelope import moment as machine_time
from regsync.cli.formats.facts import facts, moment
from regsync.cli.formats.markup import Markup, document, element, joined, style, void
from regsync.cli.formats.standing import Standing, standing
from regsync.cli.formats.stylesheet import sheet
from regsync.cli.terminal import safe
from regsync.cli.units import counted, size
from regsync.errors import Unresolved
from regsync.operations.report import Entry, StatusReport
from regsync.operations.verdict import GONE, Kind

_FINE = frozenset({Kind.UP_TO_DATE, Kind.PINNED})


def page(
    report: StatusReport, entries: Sequence[Entry], now: datetime, hints: Sequence[str] = ()
) -> str:
    """The whole page, in ASCII, so that it reads alike in every encoding.

    Args:
        entries: Those to list; what is counted is all of the report.
        hints: What to do next.
    """
    headline = _headline(report)
    css = sheet()
    head = element(
        "head",
        void("meta", {"charset": "utf-8"}),
        void("meta", {"http-equiv": "Content-Security-Policy", "content": _policy(css)}),
        void("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        void("meta", {"name": "color-scheme", "content": "light dark"}),
        void("meta", {"name": "referrer", "content": "no-referrer"}),
        void("meta", {"name": "generator", "content": f"regsync {__version__}"}),
        element("title", f"{headline} - regsync status", tight=False),
        style(css),
        tight=False,
    )
    body = element(
        "body",
        _header(report, headline, now),
        element("main", *_main(report, entries, now, hints), tight=False),
        _footer(report),
        tight=False,
    )
    return document(element("html", head, body, attributes={"lang": "en"}, tight=False))


def _policy(css: str) -> str:
    """What the browser may do: use this very style sheet, and nothing else (CSP level 3)."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _headline(report: StatusReport) -> str:
    """The answer in one line: `2 of 6 images stale, 1 undecided`."""
    found = Counter(standing(entry) for entry in report.entries)
    whole = f" of {counted(len(report.entries), 'image')}"
    parts: list[str] = []
    for one in (Standing.STALE, Standing.UNDECIDED):
        if found[one]:
            parts.append(f"{found[one]}{'' if parts else whole} {one.value}")
    if report.failures:
        parts.append(_untold(report))
    if parts:
        return ", ".join(parts)
    return "No image is stale" if report.entries else "No images"


def _untold(report: StatusReport) -> str:
    """Names without a value are not files that cannot be read: `11 names could not be told`."""
    names = sum(isinstance(error, Unresolved) for error in report.failures)
    files = len(report.failures) - names
    told = [f"{counted(files, 'file')} not read"] if files else []
    return ", ".join(told + ([f"{counted(names, 'name')} could not be told"] if names else []))


def _header(report: StatusReport, headline: str, now: datetime) -> Markup:
    when = {"datetime": machine_time(now) or ""}
    counts = [element("li", count, tight=False) for count in screens.counts(report)]
    listed = element("ul", *counts, attributes={"class": "counts"}, tight=False)
    return element(
        "header",
        element("h1", headline, tight=False),
        element(
            "p",
            f"{screens.header(report)} · checked ",
            element("time", moment(now), attributes=when),
            attributes={"class": "about"},
            tight=False,
        ),
        *([listed] if counts else []),
        tight=False,
    )


def _main(
    report: StatusReport, entries: Sequence[Entry], now: datetime, hints: Sequence[str]
) -> Iterator[Markup]:
    if entries:
        yield _table(report, entries, now)
    else:
        yield element("p", "Nothing to list.", tight=False)
    if report.failures:
        yield element("h2", "What could not be told", tight=False)
        told = [element("li", safe(str(error)), tight=False) for error in report.failures]
        yield element("ul", *told, tight=False)
    if hints:
        yield element("h2", "What to do next", tight=False)
        items = [element("li", *_coded(hint), tight=False) for hint in hints]
        yield element("ul", *items, tight=False)
    if entries:
        yield element("h2", "Each image", tight=False)
        yield joined(*(_details(number, entry, now) for number, entry in enumerate(entries, 1)))


def _table(report: StatusReport, entries: Sequence[Entry], now: datetime) -> Markup:
    caption = "What is stale comes first, then what could not be decided."
    left_out = len(report.entries) - len(entries)
    if left_out:
        caption += f" Not listed: {counted(left_out, 'image')} not asked for."
    # Files have places, engines have containers.
    named = infiles.columns(entries)
    last = "Where" if named else "Used by"
    cells = named[0].cells if named else [safe(screens.used_by(entry)) for entry in entries]
    titles = ("Image", "Status", "What changed", "Download", last)
    column = {"scope": "col", "role": "columnheader"}
    heads = [element("th", title, attributes=column) for title in titles]
    rows = [
        _row(number, entry, _cell(last, cell), now)
        for number, (entry, cell) in enumerate(zip(entries, cells, strict=True), 1)
    ]
    group = {"role": "rowgroup"}
    return element(
        "table",
        element("caption", caption, tight=False),
        element("thead", element("tr", *heads, attributes={"role": "row"}), attributes=group),
        element("tbody", *rows, attributes=group, tight=False),
        # Blocks, as which a narrow screen shows them, are no table to a screen reader without.
        attributes={"role": "table"},
        tight=False,
    )


def _row(number: int, entry: Entry, last: Markup, now: datetime) -> Markup:
    load = entry.verdict.download_bytes
    link = element("a", _name(entry), attributes={"href": f"#image-{number}"})
    cells = (
        element("th", link, attributes={"scope": "row", "role": "rowheader"}),
        element("td", _verdict(entry), attributes={"role": "cell"}),
        _cell("What changed", safe(words.what_changed(entry, now), 200)),
        _cell("Download", size(load) if load is not None else "", kind="number"),
        last,
    )
    return element("tr", *cells, attributes={"role": "row"}, tight=False)


def _cell(label: str, text: str, kind: str = "") -> Markup:
    named = {"class": kind} if kind else {}
    return element("td", text, attributes={"role": "cell", "data-label": label, **named})


def _details(number: int, entry: Entry, now: datetime) -> Markup:
    found = standing(entry)
    opened = {"open": ""} if found in (Standing.STALE, Standing.UNDECIDED) else {}
    terms = [
        joined(element("dt", term), element("dd", text), Markup("\n"))
        for term, text in facts(entry, now)
    ]
    return element(
        "details",
        element("summary", element("h3", _name(entry)), " ", _verdict(entry), tight=False),
        element("dl", *terms, tight=False),
        attributes={"id": f"image-{number}", **opened},
        tight=False,
    )


def _footer(report: StatusReport) -> Markup:
    sent = screens.requests_sent(report) or "no registry was asked"
    lines = [f"Written by regsync {__version__}: {sent}."]
    lines += [f"{words.quota(one)}." for one in report.rate_limits if one.remaining is not None]
    return element("footer", *(element("p", line, tight=False) for line in lines), tight=False)


def _verdict(entry: Entry) -> Markup:
    found = standing(entry)
    kind = entry.verdict.kind
    if found is Standing.STALE:
        look = "gone" if kind in GONE else "stale"
    elif found is Standing.UNDECIDED:
        look = "undecided"
    else:
        look = "fine" if kind in _FINE else "neutral"
    return element("span", words.status(entry), attributes={"class": f"verdict {look}"})


def _name(entry: Entry) -> str:
    return safe(screens.name_of(entry))


def _coded(hint: str) -> Iterator[Markup | str]:
    """A hint with what stands in backticks as code."""
    for at, part in enumerate(safe(hint).split("`")):
        yield element("code", part) if at % 2 else part
