"""What was changed between two images: tables over layers, labels, configs, dates and indexes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cases import NAME, REPOSITORY, at, case, classic, containerd, podman, synced
from hypothesis import given, settings
from hypothesis import strategies as st
from world import World, image, index

from regsync.errors import RateLimited
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations import explainparts as parts
from regsync.operations.explain import Subject, explain
from regsync.operations.explaincause import Clues, cause_of
from regsync.operations.explanation import BaseMove, Change, Side, What
from regsync.operations.holdings import Holdings
from regsync.operations.othernames import carrying, most_telling, retold
from regsync.operations.questions import Document
from regsync.operations.verdict import Kind, Verdict
from regsync.registry.taglists import TagList, TagRecord
from regsync.stores.base import LocalImage

MOVED, SAME = BaseMove("b:1", "sha256:a", "sha256:b"), BaseMove("b:1", "sha256:a", "sha256:a")
B, A, X, M = What.BASE, What.APPLICATION, What.BOTH, What.METADATA


@pytest.mark.parametrize(
    ("ours", "theirs", "clues", "what", "guess"),
    [
        ("abc", "abc", Clues(), M, False),
        ("abc", "abc", Clues(labelled=MOVED), M, False),
        # Labels.
        ("abx", "cdx", Clues(labelled=MOVED), B, False),
        ("abx", "cdy", Clues(labelled=MOVED), X, False),
        ("abx", "aex", Clues(labelled=MOVED), B, False),
        ("abx", "cdy", Clues(labelled=MOVED, same_revision=True), B, False),
        ("abx", "aby", Clues(labelled=SAME), A, False),
        ("abx", "cdy", Clues(labelled=SAME), X, True),
        # An image here that is the base.
        ("abx", "aby", Clues(base="b:1", depth=2), A, False),
        ("abx", "acx", Clues(base="b:1", depth=2), B, False),
        ("abx", "acy", Clues(base="b:1", depth=2), X, False),
        ("abxy", "cxy", Clues(base="b:1", depth=2), B, False),
        ("abxy", "cxz", Clues(base="b:1", depth=2), X, False),
        ("abxy", "xy", Clues(base="b:1", depth=2), X, False),
        ("abx", "a", Clues(base="b:1", depth=2), X, False),
        # Nothing but places.
        ("abx", "aby", Clues(), A, True),
        ("abx", "cdx", Clues(), B, True),
        ("abx", "cdy", Clues(), X, True),
        ("ab", "abc", Clues(), A, True),
        # A layer in the middle of the base, below the application's own.
        ("abx", "acx", Clues(), B, True),
        ("abxy", "acxy", Clues(), B, True),
    ],
)
def test_causes(ours: str, theirs: str, clues: Clues, what: What, guess: bool) -> None:
    found = cause_of(ours, theirs, clues)
    assert found is not None
    assert (found.what, found.guess) == (what, guess)
    assert found.source


@pytest.mark.parametrize(("ours", "theirs"), [("abx", "acy"), ("abxy", "acxz"), ("abx", "acyz")])
def test_no_cause_where_base_and_application_cannot_be_told_apart(ours: str, theirs: str) -> None:
    assert cause_of(ours, theirs, Clues()) is None


@pytest.mark.parametrize(("ours", "theirs"), [("", "a"), ("a", "")])
def test_no_cause_without_layers(ours: str, theirs: str) -> None:
    assert cause_of(ours, theirs, Clues()) is None


def config(**settings_: Any) -> ImageConfig:
    return ImageConfig(Platform("linux", "amd64"), settings=settings_)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"Env": ["A=1", "B=2"]}, {"Env": ["A=1", "B=3"]}, ("environment", "B", "2", "3")),
        ({}, {"Env": ["A=b=c"]}, ("environment", "A", None, "b=c")),
        ({"Cmd": ["a", "b c"]}, {"Cmd": ["a"]}, ("command", "", "a 'b c'", "a")),
        ({"Entrypoint": ["/x"]}, {}, ("entrypoint", "", "/x", None)),
        ({"User": "1"}, {"User": "2"}, ("user", "", "1", "2")),
        ({"WorkingDir": "/a"}, {"WorkingDir": "/b"}, ("working directory", "", "/a", "/b")),
        ({"ExposedPorts": {"80/tcp": {}}}, {}, ("port", "80/tcp", "", None)),
        ({}, {"Volumes": {"/v": {}}}, ("volume", "/v", None, "")),
        ({"Labels": {"a": "1"}}, {"Labels": {"a": "2"}}, ("label", "a", "1", "2")),
        ({}, {"StopSignal": "INT"}, ("stop signal", "", None, "INT")),
        ({}, {"Healthcheck": {"Test": ["x"]}}, ("health check", "", None, '{"Test": ["x"]}')),
    ],
)
def test_settings(old: dict[str, Any], new: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert parts.changes(config(**old), config(**new)) == (Change(*expected),)
    assert parts.changes(config(**old), config(**old)) == ()


def test_what_podman_leaves_out_has_not_changed() -> None:
    new = config(Shell=["sh"], Healthcheck={"Test": []}, OnBuild=["RUN x"], User="1")
    assert [one.setting for one in parts.changes(config(), new, podman=True)] == ["user"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NAMES = ("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "Volumes", "ExposedPorts")
ODD = st.dictionaries(st.sampled_from((*NAMES, "Shell", "Healthcheck", "OnBuild")), JSON)


@given(ODD, ODD, st.text(max_size=30))
@settings(deadline=None)
def test_odd_configs_break_nothing(old: dict[str, Any], new: dict[str, Any], word: str) -> None:
    for change in parts.changes(config(**old), config(**new)):
        assert change.old != change.new
    side = Side(created=word)
    assert side.built is None or not side.reproducible
    parts.compare_url(word, word, "b")
    parts.compare_url(f"https://github.com/{word}", "a", word)


@pytest.mark.parametrize(
    ("created", "day", "reproducible"),
    [
        ("2026-01-02T03:04:05.123456789Z", "2026-01-02", False),
        ("0001-01-01T00:00:00Z", None, True),
        ("1970-01-01T00:00:00Z", None, True),
        ("1980-01-01T00:00:01Z", None, True),
        ("1985-10-26T08:15:00Z", None, True),
        ("", None, False),
        ("yesterday", None, False),
    ],
)
def test_dates(created: str, day: str | None, reproducible: bool) -> None:
    side = Side(created=created)
    assert (f"{side.built:%Y-%m-%d}" if side.built else None) == day
    assert side.reproducible is reproducible


@pytest.mark.parametrize(
    ("source", "old", "new", "expected"),
    [
        ("https://github.com/o/r", "a1", "b2", "https://github.com/o/r/compare/a1...b2"),
        ("https://github.com/o/r.git", "a1", "b2", "https://github.com/o/r/compare/a1...b2"),
        ("https://github.com/o/r/tree/main", "a", "b", "https://github.com/o/r/compare/a...b"),
        ("https://gitlab.com/g/s/p", "a", "b", "https://gitlab.com/g/s/p/-/compare/a...b"),
        ("https://gitlab.com/g/p/-/tree/x", "a", "b", "https://gitlab.com/g/p/-/compare/a...b"),
        ("https://gitlab.example.org/g/p", "a/1", "b", "a%2F1...b"),
        ("https://github.com/o/r", "a", "a", ""),
        ("https://github.com/o/r", "a", "b?x=1", ""),
        ("https://github.com/o/r", "", "b", ""),
        ("https://github.com/o", "a", "b", ""),
        ("https://github.com/o/../r", "a", "b", ""),
        ("http://github.com/o/r", "a", "b", ""),
        ("https://u@github.com/o/r", "a", "b", ""),
        ("https://github.com.evil.example/o/r", "a", "b", ""),
        ("https://example.com/o/r", "a", "b", ""),
        ("git@github.com:o/r.git", "a", "b", ""),
        ("https://[", "a", "b", ""),
        ("https://github.com:x/o/r", "a", "b", ""),
    ],
)
def test_compare_links(source: str, old: str, new: str, expected: str) -> None:
    found = parts.compare_url(source, old, new)
    assert found.endswith(expected) if expected else found == ""


ARM, ARM_2 = image("arm", platform="linux/arm64/v8"), image("arm2", platform="linux/arm64/v8")
OTHER = image("s390x", platform="linux/s390x")
LABEL = "org.opencontainers.image."


def test_platforms() -> None:
    moves = parts.platforms(index(image("a"), ARM), index(image("a"), ARM_2, OTHER))
    assert [(str(one.platform), one.what) for one in moves] == [
        ("linux/amd64", "same"),
        ("linux/arm64/v8", "moved"),
        ("linux/s390x", "added"),
    ]
    [_, gone] = parts.platforms(index(image("a"), ARM), index(image("a")))
    assert gone.what == "removed"


OLD = image("base", "one", labels={LABEL + "version": "1.0", LABEL + "revision": "aa"})
NEW = image("base", "two", labels={LABEL + "version": "1.1", LABEL + "revision": "bb"})


def subject(world: World, local: LocalImage, *, new: Any = NEW, **more: Any) -> Subject:
    held = world.put(NAME, new, *([NEW] if new is not NEW else []))
    kind = "classic" if local.remembers else "containerd" if not local.config_digest else ""
    one = case(local, holdings=Holdings.of(kind or "containers-storage", [local]), **more)
    return Subject(one, Verdict(Kind.OUTDATED, "moved", remote_digest=held), held)


class TestWholeExplanations:
    def test_an_index_that_is_still_served(self) -> None:
        world = World()
        old = index(OLD, ARM)
        world.put(REPOSITORY, old, OLD, ARM)
        local = classic(OLD, at(NAME, old.digest))
        verdict, told = world.settle(explain(subject(world, local, new=index(NEW, ARM))))
        assert told is not None
        assert [one.what for one in told.platforms or ()] == ["moved", "same"]
        assert (told.ours.digest, told.ours.platform_digest) == (old.digest, OLD.digest)
        assert told.theirs.platform_digest == NEW.digest
        assert told.ours.version is not None
        assert (told.ours.version.value, told.ours.version.source) == ("1.0", "label")
        assert told.cause is not None
        assert told.cause.what is What.APPLICATION
        assert (verdict.download_bytes, verdict.layers) == (told.download_bytes, told.layers)
        assert told.notes == ()

    def test_an_index_that_is_served_no_longer(self) -> None:
        world = World()
        local = containerd(OLD, index(OLD, ARM))
        _, told = world.settle(explain(subject(world, local, new=index(NEW, ARM))))
        assert told is not None
        assert told.platforms is None
        assert "which platforms moved cannot be told" in told.notes[0]
        assert [(one.name, one.new) for one in told.changes] == [
            (LABEL + "version", "1.1"),
            (LABEL + "revision", "bb"),
        ]

    def test_a_limit_ends_the_questions_and_not_the_answer(self) -> None:
        world = World()
        question = Document(Reference.parse(NAME).repository, OLD.digest)
        world.answers[question] = RateLimited("cannot read it", "too many")
        _, told = world.settle(explain(subject(world, podman(OLD, OLD.digest))))
        assert told is not None
        assert told.notes == ("the older manifest cannot be read: cannot read it: too many",)
        assert told.layers is not None

    def test_memory_knows_what_podman_forgets(self) -> None:
        world = World()
        world.put(REPOSITORY, OLD)
        local = podman(OLD)
        last = synced(local, OLD.digest)
        _, told = world.settle(explain(subject(world, local, synced=last)))
        assert told is not None
        assert told.ours.digest is None or told.ours.digest == OLD.digest
        assert told.layers is not None
        assert told.layers.shared == 1

    def test_the_base_is_known_by_an_image_here(self) -> None:
        world = World()
        base = classic(image("base"), names=("b.example/base:1",))
        named = [(base.names[0], base)]
        one = replace(subject(world, classic(OLD, at(NAME, OLD.digest))), named=named)
        _, told = world.settle(explain(one))
        assert told is not None
        assert told.cause is not None
        assert (told.cause.guess, told.cause.source) == (
            False,
            "the layers of b.example/base:1 here",
        )

    def test_what_cannot_be_told_is_said(self) -> None:
        local = classic(image("os", "node", "app"), at(NAME, OLD.digest))
        new = image("os", "node 2", "app 2")
        world = World()
        held = world.put(NAME, new)
        one = case(local, holdings=Holdings.of("classic", [local]))
        verdict = Verdict(Kind.OUTDATED, "moved", remote_digest=held)
        _, told = world.settle(explain(Subject(one, verdict, held)))
        assert told is not None
        assert told.cause is None
        assert told.notes[-1] == (
            "base or application cannot be told: layer 2 is the first that differs, "
            "and no base is known"
        )

    def test_the_same_image_has_no_explanation(self) -> None:
        world = World()
        one = subject(world, classic(NEW, at(NAME, NEW.digest)))
        assert world.settle(explain(one))[1] is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["latest", "1", "1.27", "1.27.4", "1.27.4-bookworm"], "1.27.4"),
        (["alpine", "1.27.4-alpine", "1.27-alpine"], "1.27.4-alpine"),
        (["v2", "v2.1.0"], "v2.1.0"),
        (["latest", "stable"], ""),
        ([], ""),
    ],
)
def test_the_most_telling_tag(tags: list[str], expected: str) -> None:
    assert most_telling(tags) == expected


def test_versions_by_tags_never_replace_those_of_labels() -> None:
    old, new = Digest.of(b"old"), Digest.of(b"new")
    records = (
        TagRecord("1.0", frozenset({old})),
        TagRecord("1.1", frozenset({new})),
        TagRecord("latest", frozenset({new})),
    )
    listed = TagList("hub", records)
    assert [one.name for one in carrying(listed, [new])] == ["1.1", "latest"]
    moved = Verdict(Kind.OUTDATED, "moved")
    assert retold(moved, listed, [old], [new]).changed == "1.0 → 1.1"
    assert retold(moved, listed, [], [new]).changed == "now 1.1"
    assert retold(moved, listed, [old], []).changed == ""
    assert retold(replace(moved, changed="7 → 8"), listed, [old], [new]).changed == "7 → 8"
    assert retold(Verdict(Kind.AHEAD), listed, [old], [new]).changed == ""
