"""What files name, as tables and JSON show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from regsync.cli.tables import Column
from regsync.cli.terminal import safe
from regsync.cli.units import counted
from regsync.files.found import Place
from regsync.operations.report import Entry, InFiles, StatusReport
from regsync.operations.verdict import Kind, LastKnown

_UNPINNED = "unpinned"
_WORDS: Mapping[Kind, str] = MappingProxyType({Kind.NOT_LOCAL: _UNPINNED})
"""Verdicts that say something else of a file than of a machine."""
_PLACES = 3
"""How many places a cell lists."""


def word(entry: Entry) -> str:
    """The cell of a verdict: what is there and named by tag is unpinned, wherever it is not."""
    return _WORDS.get(entry.verdict.kind, entry.verdict.kind.words)


def last_words(entry: Entry, known: LastKnown) -> str:
    """The same of the verdict that was made last."""
    return _WORDS.get(known.kind, known.kind.words) if entry.in_files else known.kind.words


def header(report: StatusReport) -> str:
    """What was looked at: `3 files · 5 images, 2 registries`."""
    registries = {entry.reference.registry for entry in report.entries if entry.reference}
    holds = counted(len(report.entries), "image")
    if registries:
        holds += ", " + counted(len(registries), "registry", "registries")
    return f"{counted(report.files or 0, 'file')} · {holds}"


def counts(report: StatusReport, words: Mapping[Kind, str]) -> Mapping[Kind, str]:
    """The words that a summary counts verdicts with."""
    return words if report.files is None else {**words, **_WORDS}


def behind(report: StatusReport) -> list[str]:
    """How many are behind, for the summary: `2 behind`."""
    steps = [entry.in_files.behind for entry in report.entries if entry.in_files is not None]
    found = len([step for step in steps if step is not None])
    return [f"{found} behind"] if found else []


def columns(entries: Sequence[Entry]) -> tuple[Column, ...]:
    """The column that says where each image is named; none where a store was asked."""
    found = [entry.in_files for entry in entries]
    if not any(found):
        return ()
    cells = tuple(safe(_where(each), 200) if each is not None else "" for each in found)
    return (Column("WHERE", cells, least=14),)


def saying(entry: Entry, said: str) -> str:
    """The cell beside a verdict that could be decided.

    Args:
        said: What is said of it on a machine.
    """
    assert entry.in_files is not None  # noqa: S101 - see `words.what_changed`
    verdict = entry.verdict
    parts = [said] if verdict.kind not in _WORDS else []
    parts.append(_newer(entry.in_files))
    parts += [note for note in verdict.notes if note != _UNPINNED]
    return ", ".join(part for part in parts if part)


def not_understood(report: StatusReport) -> list[str]:
    """What may name an image and was not asked for: `2 `image:` not understood in a.yaml:3, …`."""
    by_file: dict[str, list[str]] = {}
    for place in report.passed:
        by_file.setdefault(place.path, []).append(str(place))
    told, why = [], "it has no tag and no digest"
    for places in by_file.values():
        more = f" (+{len(places) - _PLACES})" if len(places) > _PLACES else ""
        where = ", ".join(places[:_PLACES])
        told.append(f"{len(places)} `image:` not understood in {where}{more}: {why}")
    return told


def hints(entries: Sequence[Entry]) -> list[str]:
    """What to do about what is named by tag."""
    for entry in entries:
        if entry.in_files is not None and entry.verdict.kind is Kind.NOT_LOCAL:
            return [f"`regsync digest {entry.name}` prints the digest to pin, behind an `@`"]
    return []


def in_files(entry: Entry) -> dict[str, object]:
    """The keys of an image that say what files say of it."""
    found = entry.in_files
    newer = found.newer if found is not None else None
    return {
        "files": [place_data(place) for place in (found.places if found is not None else ())],
        "pinned": entry.reference is not None and entry.reference.digest is not None,
        "behind": found.behind if found is not None else None,
        "newer": None
        if newer is None
        else {"patch": newer.patch, "minor": newer.minor, "major": newer.major},
    }


def place_data(place: Place) -> dict[str, object]:
    """Where an image is named."""
    return {"path": place.path, "line": place.line, "name": place.name, "text": place.text}


def raw(entry: Entry) -> tuple[str | None, str | None]:
    """The same as plain values: all places, and how far it is behind."""
    if entry.in_files is None:
        return None, None
    return ",".join(map(str, entry.in_files.places)), entry.in_files.behind


def _where(found: InFiles) -> str:
    told = [f"{place} {place.name}" for place in found.places[:_PLACES]]
    more = len(found.places) - len(told)
    return ", ".join(told) + (f" (+{more})" if more else "")


def _newer(found: InFiles) -> str:
    """`newer: 1.27.4 (patch), 1.29.0 (minor)`."""
    if found.newer is None or found.newer.widest is None:
        return ""
    newer = found.newer
    steps = (("patch", newer.patch), ("minor", newer.minor), ("major", newer.major))
    return "newer: " + ", ".join(f"{tag} ({step})" for step, tag in steps if tag is not None)
