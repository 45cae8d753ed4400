"""What was last reported, and memory of the version before, which knew nothing of it."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from regsync.state.memory import Memory
from regsync.state.values import Known, Sighting, Sync

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "r.example/app:1"


def test_marks_are_kept_by_store_and_question(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        assert memory.reported("engine") == {}
        memory.keep_reported("engine", {NAME: "up_to_date", "old": "gone"})
        memory.keep_reported("engine", {NAME: "outdated"}, scope="linux/arm64")
        memory.keep_reported("other", {NAME: "ahead"})
        memory.keep_reported("engine", {"new": "pinned"}, ["old"])
    with Memory(tmp_path) as memory:
        assert memory.reported("engine") == {NAME: "up_to_date", "new": "pinned"}
        assert memory.reported("engine", "linux/arm64") == {NAME: "outdated"}
        assert memory.reported("other") == {NAME: "ahead"}


def test_a_verdict_moves_no_mark(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        memory.keep_reported("engine", {NAME: "up_to_date"})
        said = Known("engine", NAME, "sha256:i", "outdated", "moved", True, NOW, False)
        memory.keep(verdicts=[said])
        assert memory.reported("engine") == {NAME: "up_to_date"}


def test_what_version_2_knew_is_kept(tmp_path: Path) -> None:
    sync = Sync("engine", NAME, "sha256:i", "sha256:d", None, None, "pull", NOW)
    said = Known("engine", NAME, "sha256:i", "outdated", "moved", True, NOW, False)
    with Memory(tmp_path) as memory:
        memory.keep(syncs=[sync], verdicts=[said], sightings=[Sighting(NAME, "sha256:d", NOW)])
    with contextlib.closing(sqlite3.connect(tmp_path / "memory.db")) as connection:
        connection.execute("DROP TABLE reported")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()
    with Memory(tmp_path) as memory:
        assert memory.syncs("engine") == {NAME: sync}
        assert memory.last_verdicts("engine") == {NAME: said}
        assert memory.first_seen(NAME, "sha256:d") == NOW
        memory.keep_reported("engine", {NAME: "outdated"})
        assert memory.note is None
    with Memory(tmp_path) as memory:
        assert memory.reported("engine") == {NAME: "outdated"}
