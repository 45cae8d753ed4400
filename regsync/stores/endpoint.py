"""Where an engine listens, as a value: nothing is connected here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from regsync.errors import UsageError

SCHEMES = ("unix", "tcp", "ssh", "npipe")


@dataclass(frozen=True, slots=True)
class Tls:
    """How to speak TLS with an engine.

    Attributes:
        ca: A file of certificates to trust, or None for the usual ones.
        pair: The client's certificate and key, as files, or None.
        verify: Whether the engine has to prove who it is.
    """

    ca: str | None = None
    pair: tuple[str, str] | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine's address.

    Attributes:
        address: `unix:///path`, `tcp://host:port`, `ssh://[user@]host[:port][/socket]`, or
            `npipe:////./pipe/name` on Windows.
        tls: For `tcp` alone; None is plain HTTP.
        program: For `ssh` alone: what to start over there, `docker` or `podman`; both know
            `system dial-stdio`.
    """

    address: str
    tls: Tls | None = None
    program: str = "docker"

    @classmethod
    def parse(cls, text: str, tls: Tls | None = None, program: str = "docker") -> Self:
        """Read an address as docker's `--host` takes it.

        Raises:
            UsageError: no scheme that is known, or parts are missing or too many.
        """
        text = text.strip()
        # docker reads `host:2375` as tcp, and a bare path as nothing at all.
        if "://" not in text and not text.startswith("/") and ":" in text:
            text = f"tcp://{text}"
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise _invalid(text, str(error)) from error
        if parts.scheme not in SCHEMES:
            raise _invalid(
                text, "an address starts with " + ", ".join(f"`{s}://`" for s in SCHEMES)
            )
        _check(text, parts, port)
        return cls(text, tls if parts.scheme == "tcp" else None, program)

    @property
    def scheme(self) -> str:
        """`unix`, `tcp`, `ssh` or `npipe`."""
        return self.address.partition("://")[0]

    @property
    def path(self) -> str:
        """The socket's path; for `ssh` the one over there, or empty for its usual one."""
        if self.scheme == "unix":
            return self.address.partition("://")[2]
        return urlsplit(self.address).path

    def __str__(self) -> str:
        return self.address


def _check(text: str, parts: SplitResult, port: int | None) -> None:
    if parts.password is not None:
        raise UsageError(
            "an engine's address carries a password",
            "it would show in every list of processes",
            "use a key and an agent for `ssh://`",
        )
    if parts.query or parts.fragment:
        raise _invalid(text, "nothing may follow the path")
    if parts.scheme == "unix" and not f"{parts.netloc}{parts.path}".startswith("/"):
        raise _invalid(text, "the socket's path must be absolute, with three slashes in all")
    if parts.scheme == "tcp":
        if not parts.hostname or port is None:
            raise _invalid(text, "host and port are needed", "for example `tcp://engine:2376`")
        if parts.username is not None:
            raise _invalid(text, "`tcp` knows no user")
    if parts.scheme == "ssh":
        # ssh would read such a host or user as an option, and options can start programs.
        names = (parts.hostname or "-", parts.username or "")
        if any(name.startswith("-") for name in names):
            raise _invalid(text, "no host, or one that starts with `-`")


def _invalid(text: str, why: str, hint: str | None = None) -> UsageError:
    return UsageError(
        f"`{text[:200]}` is not the address of an engine",
        why,
        hint or "for example `unix:///var/run/docker.sock`",
    )
