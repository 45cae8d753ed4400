"""Memory that breaks, vanishes or refuses: the run goes on, and one note says what is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from regsync.state.database import Database
from regsync.state.memory import Memory
from regsync.state.values import Sync

NAME = "docker.io/library/node:latest"
NOW = datetime.now(UTC)


def sync(digest: str = "sha256:d1", reference: str = NAME) -> Sync:
    return Sync("engine", reference, "sha256:i1", digest, None, None, "pull", NOW)


class Opened(Protocol):
    def __call__(self, folder: Path | None, busy_seconds: float = 5) -> Memory: ...


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Memories that are closed at the end of the test, whatever happened to them."""
    with contextlib.ExitStack() as stack:

        def remember(folder: Path | None, busy_seconds: float = 5) -> Memory:
            return stack.enter_context(Memory(folder, busy_seconds=busy_seconds))

        yield remember


PRELUDE = """
import os, sys
from datetime import datetime, UTC
from pathlib import Path
from regsync.state.memory import Memory
from regsync.state.values import Sync
def sync(name, digest="sha256:d1"):
    return Sync("engine", name, "sha256:i1", digest, None, None, "pull", datetime.now(UTC))
"""


def start(
    code: str, *arguments: str | Path, wrapper: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    command = [*wrapper, sys.executable, "-c", PRELUDE + code, *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(code: str, *arguments: str | Path, wrapper: tuple[str, ...] = ()) -> str:
    process = start(code, *arguments, wrapper=wrapper)
    output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    return output


@pytest.fixture(scope="module")
def own_mounts() -> tuple[str, ...]:
    """A command that runs another where it may mount."""
    wrapper = ("unshare", "--user", "--map-root-user", "--mount")
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare of util-linux")
    probe = subprocess.run(
        [*wrapper, "mount", "-t", "tmpfs", "none", "/tmp"], capture_output=True, text=True
    )
    if probe.returncode:
        pytest.skip(f"may not mount, even in a user namespace of its own: {probe.stderr.strip()}")
    return wrapper


def assert_works_until_the_end(memory: Memory) -> None:
    memory.keep(syncs=[sync("sha256:new", "r.example/new:1")])
    last = memory.last_sync("engine", "r.example/new:1")
    assert last is not None
    assert last.digest == "sha256:new"


def test_no_folder(opened: Opened) -> None:
    memory = opened(None)
    assert_works_until_the_end(memory)
    assert memory.note is not None
    assert "set HOME or REGSYNC_STATE_DIR" in memory.note


def test_a_file_in_place_of_the_folder(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "regsync").write_text("mine")
    memory = opened(tmp_path / "regsync")
    assert_works_until_the_end(memory)
    assert memory.note is not None
    assert (tmp_path / "regsync").read_text() == "mine"


def test_a_folder_in_place_of_the_file(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "memory.db").mkdir()
    memory = opened(tmp_path)
    assert_works_until_the_end(memory)
    assert memory.note is not None
    assert "not a file" in memory.note


def test_a_pipe_in_place_of_the_file(tmp_path: Path, opened: Opened) -> None:
    os.mkfifo(tmp_path / "memory.db")
    memory = opened(tmp_path)
    assert_works_until_the_end(memory)
    assert memory.note is not None
    assert "not a file" in memory.note


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 400, b"SQLite format 3\0"])
def test_a_broken_file_is_set_aside(tmp_path: Path, damage: bytes, opened: Opened) -> None:
    with opened(tmp_path) as memory:
        memory.keep(syncs=[sync()])
    file = tmp_path / "memory.db"
    file.write_bytes(damage)
    memory = opened(tmp_path)
    assert memory.syncs("engine") == {}
    assert_works_until_the_end(memory)
    assert opened(tmp_path).last_sync("engine", "r.example/new:1") is not None
    if damage:
        assert (tmp_path / "memory.db.broken").read_bytes() == damage
        assert memory.note is not None
        assert "memory.db.broken" in memory.note
    else:
        # SQLite takes an empty file for an empty database, and so do we.
        assert memory.note is None


def test_pages_that_break_under_way_are_set_aside(tmp_path: Path, opened: Opened) -> None:
    with opened(tmp_path) as memory:
        memory.keep(syncs=[sync(reference=f"r.example/a:{number}") for number in range(500)])
    file = tmp_path / "memory.db"
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    file.write_bytes(data)
    memory = opened(tmp_path)
    memory.keep(syncs=[sync()])
    assert memory.syncs("engine") == {NAME: sync()}
    assert memory.note is not None
    assert "memory.db.broken" in memory.note
    assert opened(tmp_path).syncs("engine") == {NAME: sync()}


@pytest.mark.parametrize("nonsense", ["at = 'yesterday'", "reference = x'ff'", "child = x''"])
def test_a_row_that_nobody_wrote_is_broken_too(
    tmp_path: Path, opened: Opened, nonsense: str
) -> None:
    with opened(tmp_path) as memory:
        memory.keep(syncs=[sync()])
    with sqlite3.connect(tmp_path / "memory.db") as connection:
        connection.execute(f"UPDATE sync SET {nonsense}")
    connection.close()
    memory = opened(tmp_path)
    assert memory.syncs("engine") == {}
    assert memory.note is not None
    assert "memory.db.broken" in memory.note


def test_a_newer_file_is_left_alone(tmp_path: Path, opened: Opened) -> None:
    with opened(tmp_path) as memory:
        memory.keep(syncs=[sync()])
    file = tmp_path / "memory.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = file.read_bytes()
    memory = opened(tmp_path)
    assert memory.syncs("engine") == {}
    assert_works_until_the_end(memory)
    assert memory.note is not None
    assert "newer regsync" in memory.note
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["memory.db"]


def test_an_older_file_starts_anew(tmp_path: Path, opened: Opened) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "memory.db")) as connection:
        connection.execute("CREATE TABLE sync (reference TEXT PRIMARY KEY, at INTEGER)")
        connection.execute("INSERT INTO sync VALUES ('r.example/old:1', 1)")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    memory = opened(tmp_path)
    assert memory.syncs("engine") == {}
    assert_works_until_the_end(memory)
    assert memory.note is None
    assert opened(tmp_path).syncs("engine").keys() == {"r.example/new:1"}


def test_deleted_under_way(tmp_path: Path, opened: Opened) -> None:
    folder = tmp_path / "regsync"
    memory = opened(folder)
    memory.keep(syncs=[sync()])
    shutil.rmtree(folder)
    assert_works_until_the_end(memory)
    assert memory.note is None
    assert opened(folder).syncs("engine").keys() == {"r.example/new:1"}


def test_replaced_under_way(tmp_path: Path, opened: Opened) -> None:
    memory = opened(tmp_path)
    memory.keep(syncs=[sync()])
    (tmp_path / "memory.db").unlink()
    opened(tmp_path).keep(syncs=[sync(reference="r.example/other:1")])
    assert_works_until_the_end(memory)
    names = opened(tmp_path).syncs("engine").keys()
    assert names == {"r.example/new:1", "r.example/other:1"}


def test_held_by_another_run(tmp_path: Path, opened: Opened) -> None:
    with opened(tmp_path) as memory:
        memory.keep(syncs=[sync()])
    holder = sqlite3.connect(tmp_path / "memory.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    memory = opened(tmp_path, busy_seconds=0)
    assert_works_until_the_end(memory)
    assert memory.note is not None
    assert "another run holds it" in memory.note
    # What can be read stays known.
    assert memory.last_sync("engine", NAME) == sync()
    holder.close()
    assert opened(tmp_path).syncs("engine") == {NAME: sync()}


def test_a_change_keeps_other_runs_waiting_from_its_start(tmp_path: Path, opened: Opened) -> None:
    """Else one of two that read first and write then would fail at once, without waiting."""
    other = opened(tmp_path, busy_seconds=0)
    other.keep(syncs=[sync()])

    def change(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT * FROM sync").fetchall()
        other.keep(syncs=[sync("sha256:d2")])

    database = Database(tmp_path / "memory.db", (), 3)
    database.write(change)
    database.close()
    assert database.note is None
    assert other.note is not None
    assert "another run holds it" in other.note


def test_several_runs_write_at_once(tmp_path: Path, opened: Opened) -> None:
    code = """
with Memory(Path(sys.argv[1]), busy_seconds=60) as memory:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(10):
        memory.keep(syncs=[sync(f"r.example/{sys.argv[2]}:{number}"), sync("r.example/both:1")])
        memory.syncs("engine")
    print(memory.note)
"""
    command = [sys.executable, "-c", PRELUDE + code, str(tmp_path)]
    processes = [
        subprocess.Popen(
            [*command, str(number)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for number in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["None\n"] * 3
    memory = opened(tmp_path)
    expected = {f"r.example/{run}:{number}" for run in range(3) for number in range(10)}
    assert memory.syncs("engine").keys() == expected | {"r.example/both:1"}
    assert len(memory.history("engine", "r.example/both:1")) == 1


def test_killed_in_the_middle_of_a_change(tmp_path: Path, opened: Opened) -> None:
    with Memory(tmp_path) as memory:
        memory.keep(syncs=[sync()])
    code = """
import signal
memory = Memory(Path(sys.argv[1]))
def change(connection):
    connection.execute("PRAGMA cache_spill = 1")
    connection.execute("PRAGMA cache_size = 1")
    for number in range(2000):
        row = (f"r.example/a:{number}", "sha256:" + "0" * 64)
        connection.execute(
            "INSERT INTO sighting (reference, digest, first, last, day) VALUES (?, ?, 1, 1, 1)", row
        )
    print(os.path.exists(sys.argv[1] + "/memory.db-journal"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
memory._database.write(change)
"""
    process = start(code, tmp_path)
    output, _ = process.communicate()
    assert (process.returncode, output) == (-9, "True\n")
    memory = opened(tmp_path)
    assert memory.syncs("engine") == {NAME: sync()}
    assert memory.seen("r.example/a:1") == {}
    assert memory.note is None


def test_read_only(open_folder: Path) -> None:
    """As an ordinary user, since no mode binds root."""
    code = """
folder = Path(sys.argv[1])
memory = Memory(folder)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
known = memory.syncs("engine").keys()
memory.keep(syncs=[sync("r.example/new:1")])
print(*known)
print(*sorted(memory.syncs("engine")))
print(memory.note)
"""
    with Memory(open_folder) as memory:
        memory.keep(syncs=[sync()])
    file = open_folder / "memory.db"
    content = file.read_bytes()
    file.chmod(0o444)
    open_folder.chmod(0o555)
    before, after, note = run(code, open_folder).splitlines()
    assert before == NAME
    assert after == f"{NAME} r.example/new:1"
    assert "it is read-only" in note
    assert file.read_bytes() == content


def test_a_folder_of_somebody_else(open_folder: Path) -> None:
    code = """
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
memory = Memory(Path(sys.argv[1]) / "regsync")
memory.keep(syncs=[sync("r.example/new:1")])
print(*memory.syncs("engine"), memory.note)
"""
    open_folder.chmod(0o555)
    output = run(code, open_folder)
    assert output.startswith("r.example/new:1 cannot remember this run in `")
    assert "Permission denied" in output


FILL = """
folder = Path(sys.argv[1])
with Memory(folder) as memory:
    memory.keep(syncs=[sync("r.example/old:1")])
memory = Memory(folder)
{fill}
memory.keep(syncs=[sync(f"r.example/a:{{number}}") for number in range(2000)])
assert len(memory.syncs("engine")) == 2001
print(memory.note)
memory.close()
{free}
print(*Memory(folder).syncs("engine"))
"""


def test_a_full_disk(tmp_path: Path, own_mounts: tuple[str, ...]) -> None:
    code = FILL.format(fill="", free="")
    mount = f'mount -t tmpfs -o size=128k none {tmp_path} && exec "$@"'
    output = run(code, tmp_path, wrapper=(*own_mounts, "sh", "-c", mount, "sh"))
    note, names = output.splitlines()
    assert "no space is left" in note
    assert names == "r.example/old:1"


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    fill = """
import resource
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
"""
    free = "resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))"
    note, names = run(FILL.format(fill=fill, free=free), tmp_path).splitlines()
    assert note.startswith("cannot remember this run in `")
    assert names == "r.example/old:1"


def test_a_read_only_file_system(tmp_path: Path, own_mounts: tuple[str, ...]) -> None:
    with Memory(tmp_path) as memory:
        memory.keep(syncs=[sync()])
    code = """
memory = Memory(Path(sys.argv[1]))
print(*memory.syncs("engine"), memory.note)
memory.keep(syncs=[sync("r.example/new:1")])
print(*sorted(memory.syncs("engine")))
print(memory.note)
"""
    mount = (
        f'mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path} && exec "$@"'
    )
    output = run(code, tmp_path, wrapper=(*own_mounts, "sh", "-c", mount, "sh"))
    before, after, note = output.splitlines()
    assert before == f"{NAME} None"
    assert after == f"{NAME} r.example/new:1"
    assert "it is read-only" in note
