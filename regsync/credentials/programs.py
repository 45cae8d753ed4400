"""Starting programs that are asked one thing, and ending them when they do not answer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from regsync.oci.strictjson import amount

LIMIT_S = 4.5
"""Seconds that a program may take; those that ask a cloud take two or three."""
OUTPUT_LIMIT = 64 * 1024
"""Bytes that a program may answer with."""


class ProgramFailed(Exception):
    """A program gave no answer; says why, in words of ours alone."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program said, before anybody has judged it."""

    code: int
    output: bytes = field(repr=False)


class Programs:
    """Runs programs, each to its end or to its limit, with all that it has started itself.

    Args:
        env: The environment that they get.
        limit_s: Seconds that each may take.
    """

    def __init__(self, env: Mapping[str, str], limit_s: float = LIMIT_S) -> None:
        self._env = env
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def run(self, command: Sequence[str], given: bytes) -> Finished:
        """Start a program, hand it `given` on standard input, and wait for its answer.

        What it writes to standard error is thrown away: nobody knows what a program in trouble
        puts there, and a secret must not come to light that way.

        Raises:
            ProgramFailed: it cannot be started, takes too long or says too much.
        """
        if self._closed:
            raise ProgramFailed("it was stopped")
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and callers judge the name
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=dict(self._env),
                # A group of its own: what it starts is ended with it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise ProgramFailed(
                f"it cannot be started: {(reason or str(error)).lower()}"
            ) from error
        with self._lock:
            self._running.add(process)
            if self._closed:
                # Between the question above and here.
                _end(process)
        done = False
        try:
            finished = self._ask(process, given)
            done = True
            return finished
        finally:
            with self._lock:
                self._running.discard(process)
            if not done:
                _end(process)

    def close(self) -> None:
        """End what is still running; whoever waits for it gets `ProgramFailed`."""
        with self._lock:
            self._closed = True
            running = tuple(self._running)
        for process in running:
            _end(process)

    def _ask(self, process: subprocess.Popen[bytes], given: bytes) -> Finished:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes
        output = bytearray()
        stream = process.stdout
        until = time.monotonic() + self._limit_s

        def read() -> None:
            with stream:
                while len(output) <= OUTPUT_LIMIT and (chunk := os.read(stream.fileno(), 65536)):
                    output.extend(chunk)

        reader = threading.Thread(target=read, daemon=True, name="regsync-helper")
        reader.start()
        # A program that never reads: a host and a user name fit into the pipe all the same.
        with contextlib.suppress(OSError), process.stdin as entrance:
            entrance.write(given)
        reader.join(self._limit_s)
        late = ProgramFailed(f"it did not answer within {self._limit_s:g} seconds")
        if reader.is_alive():
            raise late
        if len(output) > OUTPUT_LIMIT:
            raise ProgramFailed(f"it answers with more than {amount(OUTPUT_LIMIT)}")
        try:
            code = process.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired as error:
            raise late from error
        return Finished(code, bytes(output))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
