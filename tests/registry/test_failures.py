"""What exceptions of httpx mean, where a socket would have to be waited for."""

from __future__ import annotations

import ssl

import httpx
import pytest

from regsync.errors import Unreachable
from regsync.registry.failures import from_exception
from regsync.registry.hosts import endpoint
from regsync.registry.origin import Origin


def caused(error: httpx.HTTPError, cause: Exception) -> httpx.HTTPError:
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectTimeout(""), "connect timed out"),
        # A handshake that is never answered: the stream was waiting when time was up.
        (caused(httpx.ConnectTimeout(""), ssl.SSLWantReadError(2, "read")), "connect timed out"),
        (httpx.ReadTimeout(""), "it stopped answering"),
        (httpx.ReadError(""), "the connection broke"),
        (httpx.ReadError("half way"), "the connection broke: half way"),
    ],
)
def test_connections_that_fail(error: httpx.HTTPError, words: str) -> None:
    where = endpoint("r.example", certs_d=())
    failure = from_exception(error, where, where.origin)
    assert isinstance(failure, Unreachable)
    assert (failure.what, failure.why) == ("cannot reach `r.example`", words)


@pytest.mark.parametrize(
    ("registry", "where", "what"),
    [
        ("r.example:5000", "https://r.example:5000", "cannot reach `r.example:5000`"),
        ("r.example", "https://cdn.example", "cannot reach `r.example` at https://cdn.example"),
        (
            "docker.io",
            "https://registry-1.docker.io",
            "cannot reach `docker.io` at https://registry-1.docker.io",
        ),
    ],
)
def test_another_host_is_named(registry: str, where: str, what: str) -> None:
    failure = from_exception(
        httpx.ConnectTimeout(""), endpoint(registry, certs_d=()), Origin.of(where)
    )
    assert failure.what == what
