"""`--format junit`: a row is a test, for what shows test results: GitLab, Jenkins, GitHub actions.

The elements and attributes that GitLab and Jenkins read (docs.gitlab.com/ci/testing/
unit_test_reports, the xunit plugin's junit-10.xsd). Times are left out: a row has none of its own,
since registries are asked for many at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from regsync import __version__
from regsync.cli import screens, words
from regsync.cli.formats.facts import facts
from regsync.cli.formats.standing import Standing, cause_of, standing
from regsync.cli.terminal import safe
from regsync.errors import RegsyncError
from regsync.operations.report import Entry, StatusReport

_LOCAL = "no registry"
"""The suite of what no registry can hold."""
_CLASS = "regsync.status"
"""Jenkins files tests by what stands before the last dot, and after it."""


def document(report: StatusReport, entries: Sequence[Entry], now: datetime) -> str:
    """The whole document, in ASCII; what XML 1.0 has no way to write is written out by `safe`.

    A suite for each registry. Stale is a failure, undecided an error, held back or muted skipped.

    Args:
        entries: Those that become tests.
    """
    suites: dict[str, list[Entry]] = {}
    for entry in entries:
        host = entry.reference.registry if entry.reference is not None else _LOCAL
        suites.setdefault(host, []).append(entry)
    root = Element("testsuites", {"name": "regsync status", **_counts(entries)})
    for host, members in sorted(suites.items()):
        suite = SubElement(root, "testsuite", {"name": safe(host), **_counts(members)})
        suite.set("timestamp", f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}")
        _properties(suite, _about(report, host))
        for entry in members:
            _case(suite, entry, now)
    if report.failures:
        _unread(root, report.failures)
    indent(root)
    # `us-ascii` writes everything beyond it as character references, and is what the head says.
    written: bytes = tostring(root, "us-ascii", xml_declaration=True)
    return written.decode("ascii")


def _counts(entries: Sequence[Entry]) -> dict[str, str]:
    found = [standing(entry) for entry in entries]
    return {
        "tests": str(len(found)),
        "failures": str(found.count(Standing.STALE)),
        "errors": str(found.count(Standing.UNDECIDED)),
        "skipped": str(found.count(Standing.HELD)),
    }


def _about(report: StatusReport, host: str) -> Iterator[tuple[str, str]]:
    yield "regsync", __version__
    yield "engine", f"{report.store.name} {report.store.version}".rstrip()
    yield "store", report.store.kind
    for limit in report.rate_limits:
        if limit.registry == host and limit.remaining is not None:
            yield "pulls left", f"{limit.remaining} of {limit.limit}"


def _case(suite: Element, entry: Entry, now: datetime) -> None:
    verdict = entry.verdict
    case = SubElement(suite, "testcase", classname=_CLASS, name=safe(screens.name_of(entry)))
    _properties(case, [("verdict", verdict.kind.value), *facts(entry, now)])
    said = ": ".join(part for part in (words.status(entry), words.what_changed(entry, now)) if part)
    message = safe(said)
    found = standing(entry)
    if found is Standing.STALE:
        # Where the image itself is not stale, a container is.
        kind = verdict.kind.value if entry.stale else "container"
        _told(SubElement(case, "failure", message=message, type=kind), entry, now)
    elif found is Standing.UNDECIDED:
        _told(SubElement(case, "error", message=message, type=cause_of(entry)), entry, now)
    elif found is Standing.HELD:
        SubElement(case, "skipped", message=message)


def _unread(root: Element, failures: Sequence[RegsyncError]) -> None:
    """A suite of the files that cannot be read, all of them errors."""
    count = len(failures)
    for key in ("tests", "errors"):
        root.set(key, str(int(root.get(key, "0")) + count))
    counts = {"tests": str(count), "failures": "0", "errors": str(count), "skipped": "0"}
    suite = SubElement(root, "testsuite", {"name": "files", **counts})
    for failure in failures:
        case = SubElement(suite, "testcase", classname=_CLASS, name=safe(failure.what))
        SubElement(case, "error", message=safe(str(failure)), type=failure.code)


def _told(element: Element, entry: Entry, now: datetime) -> None:
    element.text = "\n".join(f"{term}: {text}" for term, text in facts(entry, now))


def _properties(parent: Element, pairs: Iterable[tuple[str, str]]) -> None:
    properties = SubElement(parent, "properties")
    for name, value in pairs:
        SubElement(properties, "property", name=name, value=safe(value))
