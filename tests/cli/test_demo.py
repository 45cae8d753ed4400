"""`regsync demo` as a process: what it tells, what it leaves behind, and how it is stopped."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest

from regsync.errors import RegsyncError
from regsync.operations.demo import story
from regsync.operations.report import StatusReport
from regsync.operations.verdict import Kind
from regsync.stores.base import StoreInfo

DEMO = [sys.executable, "-m", "regsync", "demo"]


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment with folders that are empty, and nothing else: no PATH, no engine."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    return {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "PATH": ""}


def left_behind(env: dict[str, str]) -> list[Path]:
    return [path for name in ("HOME", "TMPDIR") for path in Path(env[name]).rglob("*")]


def start(env: dict[str, str], **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        DEMO, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def test_it_tells_the_whole_story_and_leaves_nothing(bare: dict[str, str], tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    done = subprocess.run(DEMO, env=bare, cwd=here, capture_output=True, text=True, check=False)
    assert (done.returncode, left_behind(bare), [*here.iterdir()]) == (0, [], [])
    commands = [line for line in done.stdout.splitlines() if line.startswith("$ ")]
    assert commands == [
        "$ regsync status --store oci:images",
        "$ regsync pull node --store oci:images",
        "$ regsync status --store oci:images",
    ]
    rows = re.findall(r"^node:latest +(.+)$", done.stdout, re.MULTILINE)
    assert [row.split("  ")[0] for row in rows] == ["outdated", "up to date"]
    assert "No pull was spent" in done.stdout
    assert done.stderr.count("hint: `regsync pull ") == 2
    narration = [line for line in done.stdout.splitlines() if not re.search(r"  |sha256:", line)]
    assert max(map(len, narration)) <= 80


def test_no_environment_at_all() -> None:
    done = subprocess.run([*DEMO, "-q"], env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "$ " not in done.stdout
    assert done.stdout.count("goals:latest") == 2


def test_what_the_user_has_set_has_no_part_in_it(bare: dict[str, str]) -> None:
    broken = Path(bare["HOME"]) / ".docker" / "config.json"
    broken.parent.mkdir()
    broken.write_text("{")
    dead = "http://127.0.0.1:9"
    theirs = {
        "REGSYNC_CONFIG": "/nowhere/regsync.toml",
        "REGSYNC_STATE_DIR": "/nowhere",
        "REGSYNC_DOCKER_IO_USERNAME": "me",
        "DOCKER_HOST": "unix:///nowhere",
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), dead),
    }
    done = subprocess.run(
        [*DEMO, "-q"], env=bare | theirs, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("signals", "code"),
    [([signal.SIGINT], 130), ([signal.SIGTERM], 143), ([signal.SIGINT] * 3, 130)],
)
def test_stopped_it_leaves_nothing(bare: dict[str, str], signals: list[int], code: int) -> None:
    process = start(bare)
    assert process.stdout is not None
    assert process.stdout.readline()
    assert left_behind(bare)
    for one in signals:
        process.send_signal(one)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, left_behind(bare)) == (code, [])
    assert "Traceback" not in stderr


def test_a_reader_that_goes_away(bare: dict[str, str]) -> None:
    process = start(bare)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=30), left_behind(bare)) == (0, [])


def test_without_the_extra(bare: dict[str, str]) -> None:
    code = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from regsync.__main__ import main; sys.exit(main(['demo']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, left_behind(bare)) == (2, "", [])
    assert "pip install 'regsync[mock]'" in done.stderr


def test_no_place_for_a_temporary_folder(bare: dict[str, str]) -> None:
    code = (
        "import tempfile; tempfile.tempdir = '/nowhere/at/all'\n"
        "import sys; from regsync.__main__ import main; sys.exit(main(['demo']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: the demo cannot make a temporary folder\n  No such file or directory\n"
    )


def test_forty_columns(bare: dict[str, str]) -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    process = subprocess.Popen(
        DEMO, env=bare | {"NO_COLOR": "1", "TERM": "xterm"}, stdout=theirs, stderr=subprocess.PIPE
    )
    os.close(theirs)
    text = b""
    # Linux ends a terminal that nobody holds any more with an error.
    while chunk := _read(ours):
        text += chunk
    os.close(ours)
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(timeout=30) == 0
    lines = text.decode().splitlines()
    # The digest of a pull is data, which is never cut.
    assert [line for line in lines if len(line) > 40 and "sha256:" not in line] == []
    assert any(line.startswith("quay.io/minio/minio:latest  outdated") for line in lines)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_another_outcome_is_an_error() -> None:
    nothing = StatusReport(StoreInfo("oci", "", "oci-layout", "images", "oci:x"), (), {})
    line = ("node:latest", Kind.OUTDATED, "moved", "")
    with pytest.raises(RegsyncError) as failed:
        story.demand(nothing, [line], spent=False)
    assert failed.value.exit_code == 1
    assert failed.value.why == "status says nothing, and not node:latest outdated moved"
