"""`rebuild`: what was built here, on what, and whether that has moved on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest
from world import Content, World, image, index

from regsync.errors import Unreachable
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference
from regsync.operations import basemoves, bases
from regsync.operations.basefit import Base
from regsync.operations.questions import Holds
from regsync.operations.report import Entry
from regsync.operations.rows import Row
from regsync.operations.verdict import Kind, Verdict
from regsync.state.values import Known
from regsync.stores.base import LocalImage

AMD64 = Platform("linux", "amd64")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
BASE, NEW_BASE = image("base"), image("newer")
NODE = Reference.parse("node")


def local(content: Content, *names: str) -> LocalImage:
    return LocalImage(
        id=str(content.config_digest),
        names=tuple(map(Reference.parse, names)),
        platform=AMD64,
        digests=frozenset({content.digest}),
        config_digest=content.config_digest,
        config=content.parsed,
    )


def line(image: LocalImage, kind: Kind, reason: str | None = None) -> tuple[Row, Entry]:
    reference = image.names[0]
    row = Row(reference, reference.familiar, image)
    return row, Entry(reference, reference.familiar, image.id, AMD64, Verdict(kind, reason))


def judged(
    *lines: tuple[Row, Entry], world: World | None = None, hosts: frozenset[str] = frozenset()
) -> Entry:
    """The first entry after the question of its base."""
    rows, entries = [row for row, _ in lines], [entry for _, entry in lines]
    made = bases.made_here(rows, entries, {})
    named = [(row.image.names[0], row.image) for row in rows if row.image is not None]
    image = rows[0].image
    assert image is not None
    candidates = bases.candidates(rows[0], entries[0], made, named, hosts)
    kinds = {(entry.reference, entry.id): entry.verdict.kind for entry in entries}
    found: Entry = (world or World()).settle(
        basemoves.rebuilt(image, entries[0], candidates, kinds, {})
    )
    return found


GOALS = local(image("base", "app"), "goals")
DEBIAN = Reference.parse("debian:12")
INHERITED = {
    "org.opencontainers.image.base.name": str(DEBIAN),
    "org.opencontainers.image.base.digest": str(image("os").digest),
}
OUTDATED_NODE = line(local(BASE, "node"), Kind.OUTDATED, "moved")


class TestLayers:
    @pytest.mark.parametrize("kind", [Kind.UNPUSHED, Kind.LOCAL_ONLY, Kind.AHEAD])
    def test_built_on_an_image_that_is_outdated(self, kind: Kind) -> None:
        entry = judged(line(GOALS, kind), OUTDATED_NODE)
        assert (entry.verdict.kind, entry.verdict.reason) == (Kind.REBUILD, kind.value)
        assert entry.verdict.changed == "base node:latest has moved on"
        assert entry.stale

    @pytest.mark.parametrize("kind", [Kind.UP_TO_DATE, Kind.AHEAD, Kind.UNPUSHED, Kind.UNKNOWN])
    def test_a_base_that_has_not_moved(self, kind: Kind) -> None:
        base = local(BASE, "node")
        verdict = Verdict(Kind.AHEAD) if kind is Kind.UNKNOWN else Verdict(kind)
        other = line(base, verdict.kind)
        assert judged(line(GOALS, Kind.UNPUSHED), other).verdict.kind is Kind.UNPUSHED

    @pytest.mark.parametrize("kind", [Kind.OUTDATED, Kind.DIVERGED, Kind.GONE, Kind.UNRELATED])
    def test_verdicts_that_it_does_not_replace(self, kind: Kind) -> None:
        assert judged(line(GOALS, kind), OUTDATED_NODE).verdict.kind is kind

    def test_what_was_pulled_was_not_built_here(self) -> None:
        pulled = line(GOALS, Kind.UP_TO_DATE, "exact")
        assert judged(pulled, OUTDATED_NODE).verdict.kind is Kind.UP_TO_DATE

    def test_a_retag_of_something_pulled_was_not_built_here(self) -> None:
        retag = line(local(image("base", "app"), "team/mine"), Kind.UNPUSHED, "new_tag")
        pulled = line(local(image("base", "app"), "team/app"), Kind.UP_TO_DATE, "exact")
        assert judged(retag, pulled, OUTDATED_NODE).verdict.kind is Kind.UNPUSHED

    def test_what_was_pulled_by_digest_and_then_tagged_was_not_built_here(self) -> None:
        origin = replace(Reference.parse("team/app"), tag=None, digest=BASE.digest)
        tagged = replace(local(image("base", "app"), "team/mine"), origins=(origin,))
        row = line(tagged, Kind.UNPUSHED, "new_repository")
        assert judged(row, OUTDATED_NODE).verdict.kind is Kind.UNPUSHED

    def test_pushed_since_and_still_ours(self) -> None:
        row, entry = line(GOALS, Kind.UP_TO_DATE, "exact")
        before = Known("s", str(row.reference), GOALS.id, "unpushed", None, False, NOW, True)
        known = {str(row.reference): before}
        assert bases.made_here([row], [entry], known) == {GOALS.id}
        other = replace(before, image_id="sha256:other")
        assert bases.made_here([row], [entry], {str(row.reference): other}) == frozenset()

    def test_the_base_with_the_most_layers(self) -> None:
        goals = local(image("os", "base", "app"), "goals")
        os, node = local(image("os"), "debian"), local(image("os", "base"), "node")
        named = [(each.names[0], each) for each in (os, node, goals)]
        found = bases.layered_bases(goals, named)
        assert [(base.reference.familiar, base.depth) for base in found] == [
            ("node:latest", 2),
            ("debian:latest", 1),
        ]

    def test_what_lies_below_a_base_that_has_not_moved_does_not_matter(self) -> None:
        goals = local(image("os", "base", "app"), "goals")
        node = line(local(image("os", "base"), "node"), Kind.UP_TO_DATE, "exact")
        debian = line(local(image("os"), "debian"), Kind.OUTDATED, "moved")
        assert judged(line(goals, Kind.UNPUSHED), node, debian).base is None

    @pytest.mark.parametrize("kind", [Kind.UNPUSHED, Kind.LOCAL_ONLY, Kind.AHEAD])
    def test_a_base_that_was_built_here_leads_to_the_one_below_it(self, kind: Kind) -> None:
        goals = local(image("os", "base", "app"), "goals")
        mine = line(local(image("os", "base"), "mybase"), kind)
        debian = line(local(image("os"), "debian"), Kind.OUTDATED, "moved")
        entry = judged(line(goals, Kind.UNPUSHED), mine, debian)
        assert entry.verdict.kind is Kind.REBUILD
        assert entry.base is not None
        assert entry.base.reference == Reference.parse("debian")
        assert (entry.base.through, entry.base.line) == (
            Reference.parse("mybase"),
            "FROM mybase:latest",
        )

    @pytest.mark.parametrize("kind", [Kind.GONE, Kind.UNRELATED, Kind.DIVERGED])
    def test_a_base_of_others_leads_nowhere(self, kind: Kind) -> None:
        goals = local(image("os", "base", "app"), "goals")
        theirs = line(local(image("os", "base"), "theirs"), kind)
        debian = line(local(image("os"), "debian"), Kind.OUTDATED, "moved")
        assert judged(line(goals, Kind.UNPUSHED), theirs, debian).base is None

    def test_what_is_told_of_a_base_that_has_moved(self) -> None:
        world = World()
        world.put("node:latest", NEW_BASE)
        entry = judged(line(GOALS, Kind.UNPUSHED), OUTDATED_NODE, world=world)
        assert entry.base is not None
        assert (entry.base.digest, entry.base.now) == (BASE.digest, NEW_BASE.digest)
        assert (entry.base.source, entry.base.line) == ("layers", "FROM node:latest")

    def test_a_base_with_two_tags_has_moved_only_when_both_have(self) -> None:
        two = local(BASE, "node", "node:22")
        latest, number = (
            line(replace(two, names=(name,)), kind, reason)
            for name, kind, reason in (
                (two.names[0], Kind.OUTDATED, "moved"),
                (two.names[1], Kind.UP_TO_DATE, "exact"),
            )
        )
        gone = line(replace(two, names=(two.names[1],)), Kind.GONE, "tag")
        for others in ([latest, number], [number, latest]):
            assert judged(line(GOALS, Kind.UNPUSHED), *others).verdict.kind is Kind.UNPUSHED
        assert judged(line(GOALS, Kind.UNPUSHED), gone, latest).verdict.kind is Kind.REBUILD

    @pytest.mark.parametrize("turned", [False, True])
    @pytest.mark.parametrize(
        ("own", "expected", "others"),
        [
            # Nothing of `mine` was handed down, so it is not what this was built on.
            ({}, "FROM node:latest", []),
            ({"made": "here"}, "FROM mine:latest", []),
            # Changed here, it may have come from either.
            ({"made": "there"}, "FROM node:latest", ["FROM mine:latest"]),
        ],
    )
    def test_equal_layers_are_told_apart_by_what_is_handed_down(
        self, own: dict[str, str], expected: str, others: list[str], turned: bool
    ) -> None:
        goals = local(image("base", "app", labels=own), "goals")
        mine = line(local(image("base", labels={"made": "here"}), "mine"), Kind.UNPUSHED)
        both = [OUTDATED_NODE, mine] if turned else [mine, OUTDATED_NODE]
        base = judged(line(goals, Kind.UNPUSHED), *both).base
        assert base is not None
        assert base.reference == NODE
        assert (base.line, list(base.other_lines)) == (expected, others)

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_siblings_are_named_in_one_order_and_none_as_the_fact(
        self, order: tuple[int, ...]
    ) -> None:
        goals = local(image("os", "base", "app"), "goals")
        siblings = [
            line(local(image("os", "base", created=f"2026-01-0{at + 1}T00:00:00Z"), name), kind)
            for at, (name, kind) in enumerate(
                [("b", Kind.UNPUSHED), ("a", Kind.UNPUSHED), ("c", Kind.LOCAL_ONLY)]
            )
        ]
        debian = line(local(image("os"), "debian"), Kind.OUTDATED, "moved")
        entry = judged(line(goals, Kind.UNPUSHED), *(siblings[at] for at in order), debian)
        assert entry.base is not None
        assert entry.base.line == "FROM a:latest"
        assert entry.base.other_lines == ("FROM b:latest", "FROM c:latest")
        assert entry.verdict.changed == (
            "base debian:latest has moved on, below a:latest or b:latest or c:latest"
        )

    def test_an_untagged_base_is_compared_with_the_tag_it_had(self) -> None:
        lost = local(BASE)
        world = World()
        world.put("node:latest", NEW_BASE)
        base = Base(NODE, image=lost)
        assert world.settle(basemoves.has_moved(GOALS, base)) is True
        world.put("node:latest", BASE)
        assert world.settle(basemoves.has_moved(GOALS, base)) is False


class TestLabels:
    def labelled(self, base: Content) -> LocalImage:
        labels = {
            "org.opencontainers.image.base.name": "docker.io/library/node:latest",
            "org.opencontainers.image.base.digest": str(base.digest),
        }
        return local(image("base", "app", labels=labels), "team/goals")

    def test_the_tag_holds_it_still(self) -> None:
        world = World()
        world.put("node:latest", BASE)
        entry = judged(line(self.labelled(BASE), Kind.UNPUSHED), world=world)
        assert entry.verdict.kind is Kind.UNPUSHED
        assert world.asked == [Holds(NODE)]

    def test_the_tag_has_moved_on(self) -> None:
        world = World()
        world.put("node:latest", NEW_BASE)
        entry = judged(line(self.labelled(BASE), Kind.UNPUSHED), world=world)
        assert (entry.verdict.kind, entry.verdict.reason) == (Kind.REBUILD, "unpushed")
        assert entry.base is not None
        assert (entry.base.digest, entry.base.now) == (BASE.digest, NEW_BASE.digest)
        assert entry.base.source == "labels"

    def test_only_the_index_moved(self) -> None:
        arm = image("arm", platform="linux/arm64")
        world = World()
        world.put("node:latest", index(BASE, arm), BASE)
        entry = judged(line(self.labelled(NEW_BASE), Kind.UNPUSHED), world=world)
        assert entry.verdict.kind is Kind.UNPUSHED

    def test_a_registry_that_cannot_be_asked_says_nothing(self) -> None:
        world = World({Holds(NODE): Unreachable("cannot reach `docker.io`")})
        entry = judged(line(self.labelled(BASE), Kind.UNPUSHED), world=world)
        assert entry.verdict.kind is Kind.UNPUSHED

    @pytest.mark.parametrize("name", ["", "UPPER/case", "node"])
    def test_labels_that_name_no_base(self, name: str) -> None:
        labels = {"org.opencontainers.image.base.name": name}
        assert bases.labelled_base(local(image("base", labels=labels))) is None

    def world_of_a_debian_that(self, moved: bool) -> World:
        world = World()
        world.put("debian:12", image("newer os") if moved else image("os"), image("os"))
        return world

    @pytest.mark.parametrize(
        ("kind", "reason", "expected"),
        [
            (Kind.OUTDATED, "moved", Kind.REBUILD),
            (Kind.UP_TO_DATE, "exact", Kind.UNPUSHED),
        ],
    )
    def test_labels_that_came_with_the_base_are_its_own(
        self, kind: Kind, reason: str, expected: Kind
    ) -> None:
        """Debian is what node was built on, and node is what was built on here."""
        node = local(image("os", "base", labels=INHERITED), "node")
        mine = local(image("os", "base", "app", labels=INHERITED), "team/goals")
        # Of Debian the opposite is true, each time.
        world = self.world_of_a_debian_that(moved=kind is Kind.UP_TO_DATE)
        world.put("node:latest", NEW_BASE)
        entry = judged(line(mine, Kind.UNPUSHED), line(node, kind, reason), world=world)
        assert entry.verdict.kind is expected
        assert Holds(DEBIAN) not in world.asked
        assert entry.base is None or (entry.base.reference, entry.base.source) == (NODE, "layers")

    def test_labels_that_came_with_a_base_that_was_built_here(self) -> None:
        middle = local(image("os", "tools", labels=INHERITED), "tools")
        mine = local(image("os", "tools", "app", labels=INHERITED), "team/goals")
        lines = line(mine, Kind.UNPUSHED), line(middle, Kind.UNPUSHED)
        assert judged(*lines, world=self.world_of_a_debian_that(moved=False)).base is None
        entry = judged(*lines, world=self.world_of_a_debian_that(moved=True))
        assert entry.base is not None
        assert (entry.base.reference, entry.base.source) == (DEBIAN, "labels")
        assert entry.base.line == "FROM tools:latest"

    def test_labels_of_its_own_win(self) -> None:
        os = line(local(image("base", labels=INHERITED), "other"), Kind.OUTDATED, "moved")
        world = World()
        world.put("node:latest", BASE)
        entry = judged(line(self.labelled(BASE), Kind.UNPUSHED), os, world=world)
        assert entry.verdict.kind is Kind.UNPUSHED
        assert world.asked == [Holds(NODE)]

    @pytest.mark.parametrize(
        "host",
        [
            *("127.0.0.1:5000", "127.1:5000", "localhost:5000", "[::1]:5000", "169.254.169.254"),
            *("10.0.0.5", "192.168.1.2:80", "[fd00::1]:443", "0.0.0.0:80", "100.100.100.200"),
        ],
    )
    def test_an_internal_registry_is_asked_only_where_the_user_has_to_do_with_it(
        self, host: str
    ) -> None:
        name = f"{host}/node:1"
        labels = INHERITED | {"org.opencontainers.image.base.name": name}
        mine = line(local(image("base", "app", labels=labels), "team/goals"), Kind.UNPUSHED)
        world = World()
        world.put(name, NEW_BASE)
        assert judged(mine, world=world).base is None
        assert world.asked == []
        other = host.replace("5000", "5001") + ("" if "5000" in host else ":8")
        assert judged(mine, world=world, hosts=frozenset({other})).base is None
        assert judged(mine, world=world, hosts=frozenset({host})).base is not None

    def test_where_a_label_is_not_believed_layers_tell(self) -> None:
        labels = INHERITED | {"org.opencontainers.image.base.name": "127.0.0.1:22/node:1"}
        mine = line(local(image("base", "app", labels=labels), "team/goals"), Kind.UNPUSHED)
        entry = judged(mine, OUTDATED_NODE)
        assert entry.base is not None
        assert entry.base.source == "layers"
