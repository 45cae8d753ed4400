"""The streams, the signals and the mistakes that every command meets, as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest
from wire import serve

from regsync.cli.terminal import show_error
from regsync.errors import UsageError
from regsync.oci.digest import Digest

TYPED = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
DIGEST = str(Digest.of(b"x"))
COMMAND = [sys.executable, "-m", "regsync"]


def answer(seen: object) -> tuple[int, dict[str, str], bytes]:
    return (200, TYPED | {"Docker-Content-Digest": DIGEST}, b'{"tags":["1","2","\\u00fc\\u2192"]}')


def regsync(
    *arguments: str,
    stdout: int | IO[bytes] = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )


def shell(script: str) -> subprocess.CompletedProcess[str]:
    line = script.replace("regsync", " ".join(COMMAND))
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["statsu"], "error: there is no command `statsu`\nhint: did you mean `status`?\n"),
        (["zzz"], "error: there is no command `zzz`\nhint: `regsync -h` lists the commands\n"),
        (
            ["status", "--exit-cod"],
            "error: there is no option `--exit-cod` of `status`\n"
            "hint: did you mean `--exit-code`?\n",
        ),
        (
            ["-v", "status"],
            "error: there is no option `-v` in front of a command\n"
            "hint: options follow the command: `regsync status -v`\n",
        ),
        (
            ["--format", "table"],
            "error: there is no option `--format` in front of a command\n"
            "hint: options follow the command: `regsync status --format`\n",
        ),
        (
            ["status", "-j", "0"],
            "error: `--jobs` takes a whole number, 1 or more; `0` is none\n"
            "hint: `regsync status -h` lists what there is\n",
        ),
        (
            ["status", "--jobs", "x"],
            "error: `--jobs` takes a whole number, 1 or more; `x` is none\n"
            "hint: `regsync status -h` lists what there is\n",
        ),
        (
            ["digest"],
            "error: missing argument `REF`\nhint: `regsync digest -h` lists what there is\n",
        ),
        (
            ["status", "--format", "xml"],
            "error: invalid value for `--format`: `xml` is not one of `table`, `json`, `jsonl`, "
            "`markdown`, `tsv`, `html`, `junit`, `nagios`\n"
            "hint: `regsync status -h` lists what there is\n",
        ),
        (
            ["digest", "a", "--format", "tsv"],
            "error: invalid value for `--format`: `tsv` is not one of `text`, `json`\n"
            "hint: `regsync digest -h` lists what there is\n",
        ),
        (
            ["digest", "a", "b"],
            "error: got unexpected extra argument(s) (b)\n"
            "hint: `regsync digest -h` lists what there is\n",
        ),
        (
            ["digest", "a", "--config"],
            "error: option `--config` requires an argument\n"
            "hint: `regsync digest -h` lists what there is\n",
        ),
    ],
)
def test_mistakes_are_exit_2_with_a_hint(arguments: list[str], message: str) -> None:
    done = regsync(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_the_value_of_an_option_is_no_command() -> None:
    done = regsync("--format", "json", "digest", "a")
    told = json.loads(done.stdout)
    assert (done.returncode, told["command"]) == (2, "digest")
    assert "in front of a command" in told["errors"][0]["message"]


def test_errors_break_between_words_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = UsageError("cannot " + "say it " * 8, "because " * 8, "perhaps " * 8)
    show_error(error)
    assert len(capsys.readouterr().err.splitlines()) == 3
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    show_error(error)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) > 6
    assert all(len(line) <= 30 and not line.endswith("becau") for line in lines)
    assert [line for line in lines if "because" in line] == [
        line for line in lines if line.startswith("  because")
    ]


def test_no_arguments_show_the_help_as_a_mistake() -> None:
    done = regsync()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: regsync [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    "command", [["-h"], ["status", "--help"], ["digest", "-h"], ["tags", "-h"]]
)
@pytest.mark.parametrize("columns", [40, 80])
def test_help_fits_the_terminal(command: list[str], columns: int) -> None:
    done = regsync(*command, env={"COLUMNS": str(columns)})
    assert (done.returncode, done.stderr) == (0, "")
    assert all(len(line) <= columns for line in done.stdout.splitlines())
    assert "Examples:\n    regsync " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["--format", "json", "statsu"], "json"),
        (["statsu", "--format=json"], "statsu"),
        (["status", "--format", "json", "--no-such"], "status"),
        (["digest", "--format", "json"], "digest"),
        (["digest", "team/App", "--format", "json"], "digest"),
    ],
)
def test_mistakes_in_json(arguments: list[str], command: str) -> None:
    done = regsync(*arguments)
    told = json.loads(done.stdout)
    assert done.returncode == told["exit_code"] == 2
    assert (told["version"], told["result"], told["data"]) == (1, "error", None)
    assert told["errors"][0]["code"] in ("usage", "invalid_reference")
    assert done.stderr.startswith("error: ")


def test_a_reader_that_leaves_changes_nothing() -> None:
    with serve(answer) as wire:
        done = shell(f"regsync tags {wire.host}/a/b | head -1")
        assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
        done = shell(f"regsync tags {wire.host}/a/b | true")
        assert (done.returncode, done.stderr) == (0, "")
    for help_line in ("regsync -h | true", "regsync status -h | true", "regsync --version | true"):
        done = shell(help_line)
        assert (done.returncode, done.stderr) == (0, ""), help_line


# Where Python buffers, a stream that failed once holds what was printed, and fails again.
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--version"], ["-h"], ["digest", "-h"]])
def test_streams_that_fail_buffered_or_not(arguments: list[str], unbuffered: str) -> None:
    env = {"PYTHONUNBUFFERED": unbuffered}
    unread, out = os.pipe()
    os.close(unread)
    done = regsync(*arguments, stdout=out, env=env)
    os.close(out)
    assert (done.returncode, done.stderr) == (0, "")
    if Path("/dev/full").exists():
        with open("/dev/full", "wb") as full:
            done = regsync(*arguments, stdout=full, env=env)
        assert done.returncode == 1
        assert done.stderr.splitlines()[0] == "error: cannot write to standard output"
        assert len(done.stderr.splitlines()) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["tags", "{}/a/b"], ["-h"], ["--version"], ["tags", "-h"]])
def test_a_full_disk_is_an_error(arguments: list[str]) -> None:
    with serve(answer) as wire, open("/dev/full", "wb") as full:
        done = regsync(*(text.format(wire.host) for text in arguments), stdout=full)
    assert done.returncode == 1
    assert done.stderr == ("error: cannot write to standard output\n  No space left on device\n")


def test_closed_streams() -> None:
    with serve(answer) as wire:
        done = shell(f"regsync tags {wire.host}/a/b >&-")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        # Nothing that belongs on stderr may end up on stdout.
        done = shell("regsync digest team/App 2>&-")
        assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    done = shell("regsync digest team/App 2>/dev/full")
    assert (done.returncode, done.stdout) == (2, "")
    done = shell("regsync digest team/App 2>&1 | true")
    assert (done.returncode, done.stderr) == (2, "")


def test_characters_that_the_encoding_lacks_are_replaced() -> None:
    with serve(answer) as wire:
        done = regsync("tags", f"{wire.host}/a/b", env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n2\n??\n", "")
    done = regsync("digest", "ü→", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.returncode == 2
    assert done.stderr.startswith("error: `")


def test_without_a_home(tmp_path: Path) -> None:
    lean = {"PATH": os.environ["PATH"]}
    with serve(answer) as wire:
        done = subprocess.run(
            [*COMMAND, "digest", f"{wire.host}/a/b"],
            capture_output=True,
            text=True,
            check=False,
            env=lean,
            cwd=tmp_path,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, DIGEST + "\n", "")


@pytest.mark.parametrize(
    ("signum", "code", "said"),
    [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "terminated\n")],
)
def test_signals_end_it_at_once(signum: int, code: int, said: str) -> None:
    asked, free = threading.Event(), threading.Event()

    def hang(seen: object) -> tuple[int, dict[str, str], bytes]:
        asked.set()
        free.wait(20)
        return (200, {}, b"")

    with serve(hang) as wire:
        command = [*COMMAND, "digest", f"{wire.host}/a/b:1"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert asked.wait(20)
            process.send_signal(signum)
            _, errors = process.communicate(timeout=20)
        assert not free.is_set()
        free.set()
    assert (process.returncode, errors) == (code, said)


SILENT_ENGINE = """
import asyncio, sys, threading
from regsync.cli.boundary import guarded
from regsync.cli.running import run_async

async def work():
    try:
        print("asking", flush=True)
        await asyncio.to_thread(threading.Event().wait)
    finally:
        print("cleaned up", flush=True)

sys.exit(guarded(lambda: run_async(work()), [], []))
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_thread_that_hangs_does_not_delay_it(signum: int) -> None:
    command = [sys.executable, "-c", SILENT_ENGINE]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        process.send_signal(signum)
        try:
            out, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 128 + signum
    assert out == "cleaned up\n"
    assert errors in ("interrupted\n", "terminated\n")


FAULT = """
import sys
from regsync.cli.boundary import guarded

def command():
    secret = "hidden"
    raise KeyError("a\\x1b[31mb")

sys.exit(guarded(command, sys.argv[1:], ["status"]))
"""


def test_a_fault_of_ours_is_one_line_and_no_traceback() -> None:
    command = [sys.executable, "-c", FAULT, "status"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == "error: regsync failed"
    assert "KeyError" in done.stderr
    assert "\nhint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


def test_verbose_adds_the_traceback() -> None:
    command = [sys.executable, "-c", FAULT, "status", "-v", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "\x1b" not in done.stderr
    told = json.loads(done.stdout)
    assert (told["result"], told["exit_code"], told["errors"][0]["code"]) == (
        "error",
        1,
        "unexpected",
    )
