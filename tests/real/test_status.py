"""`regsync status` on real engines with a real registry: every state, the verdict written down.

An engine goes through all stories of `tests/support/states.py`. Halfway, a status runs that
remembers; at the end one runs with that memory ("seen") and one without any ("new").
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import engines
import pytest
import states
from distribution import Distribution, distribution
from workbench import Workbench

from regsync.stores import inspection

pytestmark = pytest.mark.real

KINDS = (inspection.CLASSIC, inspection.CONTAINERD, inspection.CONTAINERS_STORAGE)

NEW_REPOSITORY = ("unpushed/new_repository",) * 3
NEW_TAG = ("unpushed/new_tag",) * 3
# A store that remembers every pull and push knows a new tag; the others may have pulled a lost one.
NEW_TAG_OR_LOST = ("unpushed/new_tag", "unpushed/never_seen", "unpushed/never_seen")
EXACT = ("up_to_date/exact",) * 3
# Podman compresses anew on push and keeps no digest of what it pushed.
PUSHED = ("up_to_date/exact", "up_to_date/exact", "up_to_date/repackaged")
MOVED = ("outdated/moved",) * 3
GONE = ("gone/tag",) * 3

EXPECTED: tuple[tuple[states.Story, str, tuple[str, str, str]], ...] = (
    # story, status with or without memory, (classic store, containerd store, Podman)
    (states.built, "seen new", NEW_REPOSITORY),
    (states.built_beside_other_tags, "seen new", NEW_TAG_OR_LOST),
    (states.buildkit, "seen new", NEW_REPOSITORY),
    (states.buildkit_pushed, "seen new", PUSHED),
    (states.pushed, "seen new", PUSHED),
    (states.pushed_and_moved, "seen", MOVED),
    # Nothing ties Podman's image to the repository: what was pushed has another digest.
    (states.pushed_and_moved, "new", ("outdated/moved", "outdated/moved", "unrelated")),
    (states.pulled, "seen new", EXACT),
    (states.pulled_index, "seen new", EXACT),
    (states.index_moved, "seen new", ("up_to_date/index_changed",) * 3),
    (states.platform_moved, "seen new", MOVED),
    (states.image_moved, "seen new", MOVED),
    (states.index_moved_over_loaded_layer, "seen new", ("up_to_date/index_changed",) * 3),
    (states.platform_moved_over_loaded_layer, "seen new", MOVED),
    (states.image_moved_over_loaded_layer, "seen new", MOVED),
    (states.rebuilt_over_pull, "seen new", ("ahead",) * 3),
    (states.rebuilt_and_moved, "seen", ("diverged",) * 3),
    # Only the classic store still says where the image came from that lost its name.
    (states.rebuilt_and_moved, "new", ("diverged", "unrelated", "unrelated")),
    (states.retagged_to_existing, "seen new", ("unrelated/retagged",) * 3),
    (states.retagged_to_new, "seen new", NEW_TAG),
    (states.retagged_to_new_repository, "seen new", NEW_REPOSITORY),
    (states.retagged_to_other_repository, "seen new", NEW_TAG_OR_LOST),
    (states.retagged_over_other_repository, "seen new", ("unrelated",) * 3),
    (states.tag_deleted, "seen", GONE),
    (states.tag_deleted, "new", ("gone/tag", "unpushed/never_seen", "unpushed/never_seen")),
    (states.tag_deleted_alone, "seen new", GONE),
    (states.pinned, "seen new", ("pinned",) * 3),
    (states.pinned_deleted, "seen new", ("pinned_gone",) * 3),
    (states.untagged, "seen new", ("local_only/untagged",) * 3),
)

STEADY = (
    *(states.pushed, states.buildkit_pushed, states.pulled, states.pulled_index),
    *(states.index_moved, states.platform_moved, states.image_moved, states.rebuilt_over_pull),
    states.pinned,
)
"""Stories whose verdict asks nothing but what the tag holds, once it has been seen."""


class Status:
    """`regsync status` as a user runs it, with a memory and a cache of its own."""

    def __init__(self, folder: Path, bench: Workbench) -> None:
        self._folder = folder
        self._bench = bench

    def __call__(self, *references: str) -> dict[str, Any]:
        """Run it; gives the envelope's `data`."""
        command = [sys.executable, "-m", "regsync", "status", "--format", "json"]
        done = subprocess.run(
            [*command, *references, "-H", f"unix://{self._bench.socket}"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "REGSYNC_STATE_DIR": str(self._folder / "state"),
                "REGSYNC_CACHE_DIR": str(self._folder / "cache"),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        # One that could not be decided must not hide the others.
        assert done.returncode in (0, 3), done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)["data"]
        return found


@dataclass
class Told:
    """What an engine's images were said to be, after every story has come to its end."""

    kind: str
    references: dict[states.Story, str]
    failures: dict[states.Story, Exception]
    status: Status
    images: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def verdict(self, story: states.Story, memory: str) -> str:
        if story in self.failures:
            raise self.failures[story]
        asked = self.references[story]
        [image] = (each for each in self.images[memory] if asked in (each["reference"], each["id"]))
        why = image["reason"] or image["cause"]
        return f"{image['verdict']}/{why}" if why else str(image["verdict"])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distribution]:
    with distribution(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest,
    registry: Distribution,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Told]:
    with Workbench(request.param, registry) as bench:
        bench.reach()
        try:
            yield tell(bench, lambda: Status(tmp_path_factory.mktemp("status"), bench))
        finally:
            bench.clean_up()


def tell(bench: Workbench, new_status: Callable[[], Status]) -> Told:
    """Live through every story. One that fails must not hide the others."""
    found = Told(bench.kind, {}, {}, new_status())
    begun: dict[states.Story, Iterator[str]] = {}
    for story in dict.fromkeys(story for story, _, _ in EXPECTED):
        begun[story] = story(bench)
        try:
            found.references[story] = next(begun[story])
        except Exception as error:
            found.failures[story] = error
    found.status(*found.references.values())
    for story in list(found.references):
        try:
            next(begun[story], None)
        except Exception as error:
            found.failures[story] = error
            del found.references[story]
    found.images["seen"] = found.status(*found.references.values())["images"]
    found.images["new"] = new_status()(*found.references.values())["images"]
    return found


@pytest.mark.parametrize("told", engines.parameters(), indirect=True, scope="module")
@pytest.mark.parametrize(
    ("story", "memory", "expected"),
    [
        pytest.param(story, memory, expected, id=f"{story.__name__}-{memory}")
        for story, memories, expected in EXPECTED
        for memory in memories.split()
    ],
)
def test_verdict(
    told: Told, story: states.Story, memory: str, expected: tuple[str, str, str]
) -> None:
    assert told.verdict(story, memory) == expected[KINDS.index(told.kind)]


@pytest.mark.parametrize("told", engines.parameters(), indirect=True, scope="module")
def test_what_was_seen_costs_one_head(told: Told) -> None:
    """Of a kind that no registry counts as a pull."""
    requests = told.status(*(told.references[story] for story in STEADY))["requests"]
    assert requests["head"] == len(STEADY)
    assert requests["get"] == requests["counted_pulls"] == 0
