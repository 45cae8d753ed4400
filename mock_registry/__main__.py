"""`python -m mock_registry`: a registry of its own, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_registry.server import MockRegistry


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit code: 0, 1 failed, 2 usage."""
    given = _parser().parse_args(arguments)
    try:
        registry = _make(given)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "aiohttp":
            raise
        return _fail(2, "mock_registry needs aiohttp", "run `pip install 'regsync[mock]'`")
    except (OSError, ValueError) as error:
        return _fail(2, _words(error))
    try:
        asyncio.run(_serve(registry))
    except OSError as error:
        return _fail(1, f"cannot listen on {given.host}:{given.port}: {_words(error)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    from mock_registry.modes import MODES

    parser = argparse.ArgumentParser(
        prog="python -m mock_registry",
        description="A complete OCI registry for tests and trials, not for keeping images.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=_port, default=5000, help="port to listen on, 0 for a free one (%(default)s)"
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="keep everything there, not in memory"
    )
    parser.add_argument(
        "--mode", metavar="NAME", help="be like a real registry: " + ", ".join(MODES)
    )
    parser.add_argument(
        "--auth", choices=("none", "basic", "bearer"), help="how to log in (bearer with --users)"
    )
    parser.add_argument(
        "--users", type=Path, metavar="FILE", help="who may log in: lines NAME:PASSWORD, plain"
    )
    parser.add_argument(
        "--public", metavar="PATTERN", help="repositories anybody may pull, such as 'library/*'"
    )
    parser.add_argument(
        "--tls", nargs=2, type=Path, metavar=("CERT", "KEY"), help="PEM files; plain HTTP without"
    )
    parser.add_argument(
        "--hub", type=_count, metavar="PULLS", help="be like Docker Hub, with that pull limit"
    )
    parser.add_argument(
        "--latency", type=_seconds, default=0.0, metavar="SECONDS", help="wait before each answer"
    )
    parser.add_argument("--no-deletes", action="store_true", help="refuse to delete anything")
    parser.add_argument("--no-referrers", action="store_true", help="have no referrers API")
    return parser


def _make(given: argparse.Namespace) -> MockRegistry:
    from mock_registry.server import MockRegistry
    from mock_registry.users import read_users

    if given.auth in ("basic", "bearer") and given.users is None:
        raise ValueError(f"--auth {given.auth} needs --users FILE")
    if given.users is not None and given.auth == "none":
        raise ValueError("--users FILE needs --auth basic or bearer")
    return MockRegistry(
        given.folder,
        mode=given.mode,
        auth=given.auth,
        users=() if given.users is None else read_users(given.users),
        public=given.public,
        hub=given.hub,
        deletes=not given.no_deletes,
        referrers=not given.no_referrers,
        latency=given.latency,
        tls=None if given.tls is None else (given.tls[0], given.tls[1]),
        host=given.host,
        port=given.port,
    )


async def _serve(registry: MockRegistry) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with registry.running():
        print(f"listening on {registry.url}", flush=True)  # noqa: T201 - it is a program
        await stop.wait()


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("a number of pulls is 0 or more")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < 3600:
        raise argparse.ArgumentTypeError("seconds are 0 to 3600")
    return number


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "the certificate or its key cannot be used"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _fail(code: int, message: str, hint: str | None = None) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201
    if hint is not None:
        print(f"hint: {hint}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
