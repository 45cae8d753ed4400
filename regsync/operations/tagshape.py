"""Tags as versions: which tags are of one shape, and which of them is newer. Pure.

Tags are no semantic versions. `3.20-alpine`, `v1.27.3` and `2024.10.1` are compared with their own
kind alone: the same prefix, the same number of components, the same suffix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

_DATE = re.compile(
    r"(?P<prefix>(?:[A-Za-z][A-Za-z0-9]*[-_.])*)(?P<year>(?:19|20)[0-9]{2})(?P<by>[-_]?)"
    r"(?P<month>0[1-9]|1[0-2])(?P=by)(?P<day>0[1-9]|[12][0-9]|3[01])"
    r"(?:T(?P<hour>[0-9]{2})-(?P<minute>[0-9]{2})-(?P<second>[0-9]{2})Z)?"
    r"(?P<suffix>(?:[-_.][A-Za-z].*)?)"
)
_VERSION = re.compile(
    r"(?P<prefix>(?:[A-Za-z][A-Za-z0-9]*[-_.])*?[vV]?)(?P<numbers>[0-9]{1,12}(?:\.[0-9]{1,12}){0,3})"
    r"(?P<suffix>(?![.0-9]).*)?"
)
_PRERELEASE = re.compile(
    r"(?:[-._]?(?P<word>alpha|beta|rc|preview|pre|dev|snapshot|nightly|canary)|(?P<letter>[ab]))"
    r"(?:[-.]?(?P<number>[0-9]{1,9}))?(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_RANKS = {"a": 1, "alpha": 1, "b": 2, "beta": 2, "preview": 3, "pre": 3, "rc": 4}
"""The order of pre-releases; builds of the day (`dev`, `nightly`) come before them."""
_FINAL = 9
_LONE_DIGITS = 5
"""A lone number of more digits is a build, or a commit without letters, and no version."""
_LONGEST = 128
"""Characters of a tag (distribution-spec, `<reference>`); registries may send more."""
_COMMIT = re.compile(r"[0-9a-f]{7,40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Shape:
    """What two tags must share to be compared.

    Attributes:
        components: How many numbers there are.
        date: Whether the numbers are a date.
    """

    prefix: str
    suffix: str
    components: int
    date: str


@dataclass(frozen=True)
class Version:
    """A tag that reads as a version or a date.

    Attributes:
        numbers: Its components: major, minor, patch, or year, month, day.
        prerelease: What orders it among those with the same numbers; final releases come last.
    """

    tag: str
    shape: Shape
    numbers: tuple[int, ...]
    prerelease: tuple[int, str, int] = field(default=(_FINAL, "", 0))

    @property
    def final(self) -> bool:
        """Whether it is no pre-release."""
        return self.prerelease[0] == _FINAL

    @cached_property
    def key(self) -> tuple[tuple[int, ...], tuple[int, str, int]]:
        """The order among versions of one shape."""
        return (self.numbers, self.prerelease)


@dataclass(frozen=True, slots=True)
class Newer:
    """The newest tags of the same shape, by what they change; None where there is none.

    For dates these are the day, the month and the year.
    """

    patch: str | None = None
    minor: str | None = None
    major: str | None = None

    @property
    def widest(self) -> str | None:
        """The greatest step that there is: `major`, `minor` or `patch`."""
        steps = (("major", self.major), ("minor", self.minor), ("patch", self.patch))
        return next((name for name, tag in steps if tag is not None), None)


def read(tag: str) -> Version | None:
    """A tag as a version, None where it is none: a word, a commit, a build number."""
    if len(tag) > _LONGEST:
        return None
    date = _DATE.fullmatch(tag)
    if date is not None:
        return _date(tag, date)
    if _COMMIT.fullmatch(tag):
        return None
    found = _VERSION.fullmatch(tag)
    if found is None:
        return None
    texts = found["numbers"].split(".")
    prefix, rest = found["prefix"], found["suffix"] or ""
    if len(texts) == 1 and (len(texts[0]) > _LONE_DIGITS or prefix not in ("", "v", "V")):
        return None
    kind = "year" if re.fullmatch(r"(?:19|20)[0-9]{2}", texts[0]) else ""
    prerelease, suffix = _prerelease(rest)
    if suffix and suffix[0] not in "-_." and not suffix[0].isalpha():
        return None
    shape = Shape(prefix, suffix, len(texts), kind)
    return Version(tag, shape, tuple(map(int, texts)), prerelease)


def newer(tag: str, others: Iterable[str]) -> Newer | None:
    """The newest tags of the same shape as `tag`, None where `tag` is no version.

    Pre-releases are offered to pre-releases alone.
    """
    ours = read(tag)
    if ours is None:
        return None
    best: dict[str, Version] = {}
    for other in others:
        theirs = read(other)
        if theirs is None or theirs.shape != ours.shape or theirs.key <= ours.key:
            continue
        if ours.final and not theirs.final:
            continue
        step = _step(ours.numbers, theirs.numbers)
        # By its text where two are equally new: `1.02` and `1.2`.
        if step not in best or (best[step].key, best[step].tag) < (theirs.key, theirs.tag):
            best[step] = theirs
    return Newer(**{step: version.tag for step, version in best.items()})


def _step(ours: tuple[int, ...], theirs: tuple[int, ...]) -> str:
    """What changes from one to another: the first component that differs."""
    changed = next(
        (at for at, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b), len(ours)
    )
    return ("major", "minor", "patch")[min(changed, 2)]


def _date(tag: str, found: re.Match[str]) -> Version:
    names = ("year", "month", "day", "hour", "minute", "second")
    numbers = tuple(int(found[name]) for name in names if found[name] is not None)
    shape = Shape(found["prefix"], found["suffix"], len(numbers), f"date{found['by']}")
    return Version(tag, shape, numbers)


def _prerelease(rest: str) -> tuple[tuple[int, str, int], str]:
    """What follows the numbers: the rank of a pre-release, and the suffix behind it."""
    found = _PRERELEASE.match(rest)
    # A letter alone may begin any suffix; with a number it is Python's `3.14.0a1`.
    if found is None or (found["letter"] and not found["number"]):
        return (_FINAL, "", 0), rest
    word = (found["word"] or found["letter"]).lower()
    return (_RANKS.get(word, 0), word, int(found["number"] or 0)), rest[found.end() :]
