"""The page on staleness says what the code does and what the engines answered."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engine import ENGINES, recording
from world import Content, World, image

from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.operations.case import Case
from regsync.operations.judge import judge
from regsync.operations.verdict import MEANINGS, REASONS, Cause, Kind
from regsync.state.values import Sync
from regsync.stores.base import LocalImage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "staleness.md").read_text(encoding="utf-8")
STALE_WORDS = {True: "yes", False: "no", None: "not known"}

# Each row of the table of deeds: the recorded state, and the name in it that the row is about.
DEEDS = {
    "built here, never pushed": ("built", "app:1"),
    "tagged into another repository, never pushed": ("retagged", "other:x"),
    "tagged anew in the same repository, never pushed": ("retagged", "app:alias"),
    "pulled": ("pulled", "app:1"),
    "pulled from an index": ("pulled_index", "multi:1"),
    "pushed": ("pushed", "app:1"),
    "pulled for arm64, then for amd64": ("pulled_index_both", "multi:1"),
    "rebuilt here, on top of what was pulled": ("rebuilt_over_pulled", "app:1"),
    "loaded from a file, under a name that a registry has too": ("loaded", "app:1"),
    "pulled, and the tag has moved on since": ("stale_before_pull", "app:moving"),
}
FAMILIES = ("classic", "containerd", "Podman")


def table(name: str) -> list[list[str]]:
    """The cells below the head of the table after `<!-- checked: NAME -->`."""
    found = re.search(rf"<!-- checked: {name} -->\n((?:\|.*\n)+)", PAGE)
    assert found is not None
    lines = found[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def codes(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([a-z_/]+)`", cell))


def family(engine: str) -> str:
    if engine.startswith("p"):
        return "Podman"
    return "containerd" if engine.endswith("s") else "classic"


def repo_digests(engine: str, state: str, name: str) -> str:
    """What a look at RepoDigests finds, in the words of the page."""
    full = f"127.0.0.1:5001/fx-{engine}/{name}"
    repository = str(Reference.parse(full).repository)
    recorded = recording(engine, state)
    [image] = [each for each in recorded["list"] if full in (each["RepoTags"] or ())]
    inspected = [each for each in recorded["inspect"].values() if each.get("Id") == image["Id"]]
    listed = {
        entry.partition("@")[2]
        for entry in inspected[0]["RepoDigests"] or ()
        if entry.startswith(f"{repository}@")
    }
    remote = recorded.get("remote") or {}
    held = remote["digest"] if remote.get("ref") == full else None
    if not listed:
        return "none"
    if held is None:
        return "lists one"
    return "equal" if held in listed else "differs"


def verdict(engine: str, state: str, name: str) -> str:
    """The verdict that is written down for a recorded name."""
    written = (ROOT / "tests" / "operations" / "verdicts.txt").read_text(encoding="utf-8")
    block = written.partition(f"\n{engine} {state}\n")[2]
    found = re.match(rf"(?:  .*\n)*?  {re.escape(name)} (\w+)", block)
    assert found is not None
    return found[1]


def test_every_verdict_is_explained() -> None:
    rows = table("verdicts")
    assert [row[0] for row in rows] == [f"`{kind}`" for kind in Kind]
    for kind, (_, meaning, reasons, stale, remedy) in zip(Kind, rows, strict=True):
        assert meaning == MEANINGS[kind]
        assert codes(reasons) == REASONS.get(kind, ())
        assert stale == STALE_WORDS[kind.stale]
        assert remedy


def test_every_cause_is_explained() -> None:
    rows = table("causes")
    assert [row[0] for row in rows] == [f"`{cause}`" for cause in Cause]
    assert all(row[1] for row in rows)


def test_every_deed_is_one_of_those_that_were_recorded() -> None:
    assert [row[0] for row in table("deeds")] == list(DEEDS)


@pytest.mark.parametrize("deed", DEEDS)
def test_what_the_engines_answered(deed: str) -> None:
    state, name = DEEDS[deed]
    [row] = [row for row in table("deeds") if row[0] == deed]
    for engine in ENGINES:
        told = row[1 + FAMILIES.index(family(engine))]
        assert repo_digests(engine, state, name) == told, engine
        assert verdict(engine, state, name) in codes(row[4]), engine


def test_reasons_are_named_with_a_verdict_that_carries_them() -> None:
    named = re.findall(r"\b([a-z_]+)/([a-z_]+)\b(?!\.)", PAGE)
    told = [(kind, reason) for kind, reason in named if kind in set(Kind)]
    assert len(told) > 20
    for kind, reason in told:
        causes = tuple(Cause) if kind == Kind.UNKNOWN else ()
        assert reason in (*REASONS.get(Kind(kind), ()), *causes), (kind, reason)


def test_the_files_that_it_names_are_there() -> None:
    for file in re.findall(r"`((?:operations|stores|tests)/[a-z_/]+\.[a-z]+)`", PAGE):
        assert (ROOT / file).exists() or (ROOT / "regsync" / file).exists(), file


REPOSITORY = "r.example/team/app"
NAME = f"{REPOSITORY}:1"
OTHER = f"{REPOSITORY}:1.4"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD, OURS, THEIRS = (image("base", word) for word in ("old", "ours", "theirs"))


@dataclass(frozen=True)
class Story:
    """What happened to a name that was in step with `synced` once.

    Attributes:
        here: What the name means now.
        tags: What the registry's tags hold now.
        served: What the repository serves beside that.
        siblings: Other names of the image here.
        seen_before: What the tag held before `synced`.
    """

    tags: dict[str, Content]
    here: Content = OURS
    synced: Content = OURS
    served: tuple[Content, ...] = ()
    siblings: tuple[str, ...] = ()
    seen_before: frozenset[str] = frozenset()

    def case(self, store: str, *, memory: bool) -> Case:
        """The name as a kind of store holds it; rebuilt images never came from anywhere."""
        came = (_at(self.here.digest),) if self.here == self.synced else ()
        local = LocalImage(
            id=str(self.here.config_digest),
            names=(Reference.parse(NAME),),
            platform=self.here.parsed.platform,
            digests=frozenset({self.here.digest}),
            config_digest=self.here.config_digest,
            config=self.here.parsed,
            origins=came if store == "classic" else (),
            claims=() if store == "classic" else (_at(self.here.digest),),
            remembers=store == "classic",
        )
        sync = Sync(
            store="s",
            reference=NAME,
            image_id=str(self.synced.config_digest),
            digest=str(self.synced.digest),
            child=None,
            config=str(self.synced.config_digest),
            by="observed",
            at=NOW,
        )
        return Case(
            image=local,
            reference=Reference.parse(NAME),
            synced=sync if memory else None,
            seen_before=self.seen_before if memory else frozenset(),
            siblings=tuple(map(Reference.parse, self.siblings)),
        )

    def verdict(self, store: str, *, memory: bool) -> str:
        world = World()
        for name, content in self.tags.items():
            world.put(name, content)
        for content in self.served:
            world.put(REPOSITORY, content)
        found = world.settle(judge(self.case(store, memory=memory)))
        return f"{found.kind}/{found.reason}" if found.reason else str(found.kind)


def _at(digest: Digest) -> Reference:
    return replace(Reference.parse(NAME), tag=None, digest=digest)


STORIES = {
    "pulled, the tag moved": [Story({NAME: THEIRS}, served=(OURS,))],
    "pulled, the tag moved, and the registry has collected the old digest": [Story({NAME: THEIRS})],
    "pulled, the tag deleted, the digest still served": [Story({}, served=(OURS,))],
    "pulled, the tag deleted, and the digest with it": [Story({OTHER: THEIRS})],
    "retagged, seen in step, then the tag moved": [
        Story({NAME: THEIRS, OTHER: OURS}, siblings=(OTHER,))
    ],
    "rebuilt under its name; the old image kept another name": [
        Story({NAME: OLD}, synced=OLD),
        Story({NAME: THEIRS}, synced=OLD, served=(OLD,)),
    ],
    "pulled, the tag went back to an older image": [
        Story({NAME: OLD}, served=(OURS,), seen_before=frozenset({str(OLD.digest)}))
    ],
}


def test_every_story_is_told() -> None:
    assert [row[0] for row in table("memory")] == list(STORIES)


@pytest.mark.parametrize("story", STORIES)
def test_what_memory_is_good_for(story: str) -> None:
    [row] = [row for row in table("memory") if row[0] == story]
    known, classic, others = map(codes, row[1:])
    told = STORIES[story]
    for store in ("classic", "other"):
        found = [each.verdict(store, memory=True) for each in told]
        assert [_as_told(one, known) for one in found] == list(known)
    for store, cell in (("classic", classic), ("other", others)):
        for each in told:
            assert _as_told(each.verdict(store, memory=False), cell) in cell


def _as_told(verdict: str, cell: tuple[str, ...]) -> str:
    """The verdict without its reason, where the page leaves that out."""
    return verdict if any("/" in one for one in cell) else verdict.partition("/")[0]
