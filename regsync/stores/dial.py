"""Engines behind `ssh`: the system's own program carries the bytes, as docker's `ssh://` does.

The SDK has such a transport, and it needs paramiko installed even where it starts the system's
program; this one needs nothing, and keeps what ssh complains about.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import tempfile
import threading
from typing import IO
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from regsync.credentials.environment import without_ours
from regsync.errors import EngineUnreachable
from regsync.stores.adapter import PoolAdapter
from regsync.stores.endpoint import Endpoint

CONNECTIONS = 2
"""Each is a process here and a login there, and many servers refuse the eleventh at once."""

_COMPLAINT_LIMIT = 500


class DialAdapter(PoolAdapter):
    """Carries `requests` over `ssh HOST docker system dial-stdio`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._lines = _Pool(endpoint)
        super().__init__(self._lines)

    def close(self) -> None:
        super().close()
        self._lines.hang_up()

    def complaint(self) -> str:
        """What ssh said last on its standard error, or nothing."""
        return self._lines.complaint()


class _Pool(HTTPConnectionPool):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__("localhost", maxsize=CONNECTIONS, block=True)
        self._arguments = arguments(endpoint)
        self._lines: list[_Line] = []
        self._lock = threading.Lock()

    def _new_conn(self) -> HTTPConnection:
        line = _Line(self._arguments)
        with self._lock:
            self._lines.append(line)
        return line

    def complaint(self) -> str:
        with self._lock:
            said = [line.complaint() for line in self._lines]
        return next((text for text in reversed(said) if text), "")

    def hang_up(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            line.hang_up()


class _Line(HTTPConnection):
    """One connection: a socket pair whose other end is a program's input and output."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__("localhost")
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None

    def connect(self) -> None:
        self._end()
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed in _end
        try:
            self._process = subprocess.Popen(  # noqa: S603  # no shell, see arguments()
                self._arguments,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._errors,
                # It may hand variables on (SendEnv), and starts programs of the user's.
                env=without_ours(os.environ),
            )
        except OSError as error:
            ours.close()
            self._end()
            raise EngineUnreachable(
                f"cannot start `{self._arguments[0]}`",
                os.strerror(error.errno or 0).lower(),
                "install the OpenSSH client, or name another engine with `--host`",
            ) from error
        finally:
            theirs.close()
        ours.settimeout(urllib3.Timeout.resolve_default_timeout(self.timeout))
        self.sock = ours

    def complaint(self) -> str:
        if self._errors is None or self._process is None:
            return ""
        try:
            # The connection is gone already; only the last words may still be on their way.
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            return ""
        self._errors.seek(0)
        return " ".join(self._errors.read(_COMPLAINT_LIMIT).decode("utf-8", "replace").split())

    def hang_up(self) -> None:
        """End the program; it may be asking nobody for a password."""
        self.close()
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._errors is not None:
            self._errors.close()
            self._errors = None


def arguments(endpoint: Endpoint) -> list[str]:
    """The command that connects to an engine's socket on another machine."""
    parts = urlsplit(endpoint.address)
    command = [endpoint.program]
    if parts.path not in ("", "/"):
        option = "--url" if endpoint.program == "podman" else "--host"
        command += [option, f"unix://{parts.path}"]
    command += ["system", "dial-stdio"]
    # Nobody can answer a question while bars are drawn, so ssh has to fail instead of asking.
    found = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-T"]
    if parts.username:
        found += ["-l", parts.username]
    if parts.port:
        found += ["-p", str(parts.port)]
    return [*found, "--", parts.hostname or "", shlex.join(command)]
