"""Every recorded engine in every state it was recorded in: the verdict on each of its names.

The recordings hold what the engine answered and what the registry held at that moment; the verdicts
are written down in `verdicts.txt`, one line a name, for a first status that remembers nothing.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from engine import ENGINES, recording, replay, states
from world import World

from regsync.errors import NotFound, RegsyncError
from regsync.oci import manifest
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference
from regsync.operations.judge import judge
from regsync.operations.questions import Config, Question
from regsync.operations.rows import Row, plan_rows
from regsync.operations.verdict import Cause, Kind
from regsync.state.memory import Memory
from regsync.stores.base import Snapshot
from regsync.stores.endpoint import Endpoint
from regsync.stores.engine import EngineStore

WRITTEN = Path(__file__).parent / "verdicts.txt"
CASES = [(engine, state) for engine in ENGINES for state in states(engine)]

# Tags beside the one that a state recorded as `remote`, and in which state they were recorded.
ALSO_THERE = {
    "retagged": {"app:1": "pushed"},
    "retagged_pushed": {"app:1": "pushed"},
    "two_images": {"app:1": "pushed", "other:x": "retagged_pushed"},
    "two_tags_one_digest": {"app:1": "pushed", "app:1.0": "pushed"},
}


class Recorded(World):
    """A registry with the tags of one moment, and all manifests its repositories ever held."""

    def __init__(self, engine: str, state: str) -> None:
        super().__init__()
        self._engine = engine
        there = {remote["ref"]: remote for remote in remotes(engine, state)}
        for name, other in ALSO_THERE.get(state, {}).items():
            there[f"127.0.0.1:5001/fx-{engine}/{name}"] = remotes(engine, other)[0]
        for name, digest in self._artifacts(state).items():
            self._tags[Reference.parse(name)] = digest
        repositories = {Reference.parse(name).repository for name in there}
        for other in states(engine):
            for remote in remotes(engine, other):
                if (repository := Reference.parse(remote["ref"]).repository) in repositories:
                    self.put(str(repository), document(remote))
        for name, remote in there.items():
            self.put(name, document(remote))
            for child in children(engine, remote):
                self.put(str(Reference.parse(name).repository), child)

    def _artifacts(self, state: str) -> dict[str, Digest]:
        """The tag of an artifact was not looked up; it had just been pulled."""
        if state != "after_artifact_pull":
            return {}
        found = recording(self._engine, state)["inspect"]
        return {name: Digest.parse(each["Id"]) for name, each in found.items() if "Id" in each}

    def _answer(self, question: Question) -> Any:
        if isinstance(question, Config):
            found = configs(self._engine).get(question.descriptor.digest)
            if found is None:
                raise NotFound("it was not recorded")
            return found
        return super()._answer(question)


def remotes(engine: str, state: str) -> list[dict[str, Any]]:
    recorded = recording(engine, state).get("remote") or {}
    found = recorded.values() if "source" in recorded else [recorded]
    return [remote for remote in found if remote.get("manifest")]


def document(remote: dict[str, Any]) -> Manifest | Index:
    # The bytes were not recorded, so the digest is the recorded one.
    found = manifest.parse(json.dumps(remote["manifest"]).encode())
    return replace(found, digest=Digest.parse(remote["digest"]))


def children(engine: str, remote: dict[str, Any]) -> list[Manifest | Index]:
    wanted = {entry["digest"] for entry in remote["manifest"].get("manifests", ())}
    known = (other for state in states(engine) for other in remotes(engine, state))
    return [document(other) for other in known if other["digest"] in wanted]


@cache
def configs(engine: str) -> dict[Digest, ImageConfig]:
    """What is known of the configs behind recorded manifests."""
    inspected: dict[str, ImageConfig] = {}
    for state in states(engine):
        for fields in recording(engine, state)["inspect"].values():
            if "Id" in fields:
                inspected[fields["Id"]] = ImageConfig.from_inspect(fields)
    found = {}
    for state in states(engine):
        for remote in remotes(engine, state):
            parsed = document(remote)
            if isinstance(parsed, Manifest):
                # The containerd store's ID is the manifest's digest, the others' the config's.
                known = inspected.get(str(parsed.config.digest)) or inspected.get(
                    str(parsed.digest)
                )
                if known is not None:
                    found[parsed.config.digest] = known
    return found


def snapshot(engine: str, state: str) -> Snapshot:
    with replay(engine, state) as url:
        return asyncio.run(EngineStore(Endpoint.parse(url)).snapshot())


def describe(row: Row, engine: str, state: str) -> str:
    world = Recorded(engine, state)
    verdict = row.settled
    if row.case is not None:
        try:
            verdict = world.settle(judge(row.case))
        except RegsyncError as error:
            return f"{_short(row, engine)} unknown/{Cause.of(error)}"
    assert verdict is not None
    told = verdict.reason or verdict.cause
    return f"{_short(row, engine)} {verdict.kind}{f'/{told}' if told else ''}"


def _short(row: Row, engine: str) -> str:
    name = (row.name or "<none>").removeprefix(f"127.0.0.1:5001/fx-{engine}/")
    base, at, digest = name.partition("@")
    return base + (f"@{digest[7:13]}" if at else "")


def judged(engine: str, state: str) -> list[str]:
    rows = plan_rows(snapshot(engine, state), Memory(None))
    return sorted(describe(row, engine, state) for row in rows)


def expected() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for line in WRITTEN.read_text().splitlines():
        if line.startswith("  "):
            found[next(reversed(found))].append(line.strip())
        elif line and not line.startswith("#"):
            engine, _, state = line.partition(" ")
            found[engine, state] = []
    return found


@pytest.mark.parametrize(("engine", "state"), CASES)
def test_the_verdict_is_the_one_written_down(engine: str, state: str) -> None:
    assert judged(engine, state) == expected()[engine, state]


def test_no_recorded_state_is_left_out() -> None:
    assert sorted(expected()) == sorted(CASES)


def test_what_is_its_tags_content_is_stale_on_no_engine() -> None:
    in_step = ("pulled", "pulled_index", "pulled_index_both", "pushed", "stale_after_pull")
    for (engine, state), lines in expected().items():
        if state in in_step:
            kinds = {line.partition(" ")[2].partition("/")[0] for line in lines}
            assert kinds <= {Kind.UP_TO_DATE, Kind.LOCAL_ONLY}, (engine, state)
