"""`regsync digest` and `regsync tags` as processes, on a real socket."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import serve

from regsync.cli.order import natural
from regsync.cli.terminal import safe
from regsync.oci.digest import Digest

TYPED = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
DIGEST = str(Digest.of(b"x"))


def regsync(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "regsync", *arguments], capture_output=True, text=True, check=False
    )


def test_digest() -> None:
    with serve(lambda seen: (200, TYPED | {"Docker-Content-Digest": DIGEST}, b"")) as wire:
        done = regsync("digest", f"{wire.host}/a/b:1")
    assert (done.returncode, done.stdout, done.stderr) == (0, DIGEST + "\n", "")
    assert [one.method for one in wire.seen] == ["GET", "HEAD"]


def test_tags_in_natural_order() -> None:
    with serve(lambda seen: (200, {}, b'{"tags":["10","9","a\\u001b[31m"]}')) as wire:
        done = regsync("tags", f"{wire.host}/a/b")
    assert (done.returncode, done.stdout) == (0, "9\n10\na\\x1b[31m\n")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ((404, {}, b""), 5),
        ((401, {}, b""), 4),
        ((429, {"Retry-After": "3600"}, b""), 6),
        ((404, {}, b'{"errors":[{"code":"\\u001b[2J","message":"\\u202e"}]}'), 5),
    ],
)
def test_exit_codes(reply: object, code: int) -> None:
    with serve(lambda seen: reply if "/a/b/" in seen.path else (200, {}, b"")) as wire:
        done = regsync("tags", f"{wire.host}/a/b")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: cannot list the tags of")
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["digest", "tags"])
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ((401, {}, b""), "unauthorized"),
        ((404, {}, b'{"errors":[]}'), "not_found"),
        ((429, {"Retry-After": "3600"}, b""), "rate_limited"),
    ],
)
def test_a_failure_names_the_one_reference_that_was_asked(
    command: str, reply: object, code: str
) -> None:
    with serve(lambda seen: reply if "/a/b/" in seen.path else (200, {}, b"")) as wire:
        done = regsync(command, f"{wire.host}/a/b", "--format", "json")
    [error] = json.loads(done.stdout)["errors"]
    asked = f"{wire.host}/a/b" + (":latest" if command == "digest" else "")
    assert (error["code"], error["reference"]) == (code, asked)


def test_interrupt_ends_at_once() -> None:
    asked, free = threading.Event(), threading.Event()

    def hang(seen: object) -> object:
        asked.set()
        free.wait(20)
        return (200, {}, b"")

    with serve(hang) as wire:
        command = [sys.executable, "-m", "regsync", "digest", f"{wire.host}/a/b:1"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert asked.wait(20)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        assert not free.is_set()
        free.set()
    assert (process.returncode, errors) == (130, "interrupted\n")


def test_malformed_reference() -> None:
    done = regsync("digest", "team/App:1")
    assert done.returncode == 2
    assert "hint: did you mean `team/app:1`?" in done.stderr


@pytest.mark.parametrize("text", ["\x1b[31m", "a\rb", "\u202e", "\x9b", "\u200b", "\ud800", "\x7f"])
def test_safe_hides_nothing_and_directs_nothing(text: str) -> None:
    assert safe(text).isprintable()
    assert safe("ü 日本 ok") == "ü 日本 ok"


@given(st.text(max_size=60), st.integers(2, 40))
def test_safe_is_never_longer_than_it_may_be(text: str, limit: int) -> None:
    assert len(safe(text, limit)) <= limit
    if text.isascii() and text.isprintable():
        assert (safe(text, limit) == text) == (len(text) <= limit)


def test_an_endless_tag_is_cut() -> None:
    with serve(lambda seen: (200, {}, b'{"tags":["' + b"a" * 5000 + b'"]}')) as wire:
        done = regsync("tags", f"{wire.host}/a/b")
    assert done.stdout == "a" * 255 + "…\n"


def test_natural_order() -> None:
    names = ["1.10", "1.9", "latest", "1.9-alpine", "1"]
    assert sorted(names, key=natural) == ["1", "1.9", "1.9-alpine", "1.10", "latest"]
