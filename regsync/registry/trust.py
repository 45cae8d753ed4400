"""Whom to trust over TLS: the system's authorities, the user's, and a host's `certs.d` folder."""

from __future__ import annotations

import functools
import ssl
import sys
from dataclasses import replace

from regsync.errors import TlsFailed
from regsync.registry.hosts import Endpoint
from regsync.registry.origin import Origin


class Trust:
    """The TLS contexts of one registry, and of wherever it leads.

    Client certificates and `tls = "insecure"` are for the registry's own origin: another host is
    shown none, and always checked. The user's authorities go along, since a token server or a
    store of blobs is often of the same house.

    Raises:
        TlsFailed: see `context`.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        # At once, so that a broken certificate is told before anything is asked.
        self._own = context(endpoint) if endpoint.origin.scheme == "https" else None
        self._other: ssl.SSLContext | None = None

    def is_own(self, url: str) -> bool:
        """Whether an address is of the registry's own origin."""
        return Origin.of(url) == self._endpoint.origin

    def context(self, *, own: bool) -> ssl.SSLContext:
        """For the registry's own origin, or for any other.

        Raises:
            TlsFailed: see `context`.
        """
        if own and self._own is not None:
            return self._own
        if self._other is None:
            self._other = context(replace(self._endpoint, verify=True, client_certificates=()))
        return self._other


def context(endpoint: Endpoint) -> ssl.SSLContext:
    """How the certificates of one registry are checked, and which ones are shown to it.

    Raises:
        TlsFailed: a certificate or key that was configured cannot be read.
    """
    if endpoint.verify and not endpoint.ca_files and not endpoint.client_certificates:
        return _shared()
    found = _system()
    if not endpoint.verify:
        found.check_hostname = False
        found.verify_mode = ssl.CERT_NONE
    what = f"cannot read the certificates of `{endpoint.registry}`"
    for file in endpoint.ca_files:
        try:
            found.load_verify_locations(file)
        except (OSError, ssl.SSLError) as error:
            raise TlsFailed(what, f"{file}: {_reason(error)}") from error
    for certificate, key in endpoint.client_certificates:
        try:
            # A passphrase would be asked for on the terminal, in the middle of something else.
            found.load_cert_chain(certificate, key, password=_no_passphrase)
        except (OSError, ssl.SSLError, _Encrypted) as error:
            raise TlsFailed(what, f"{certificate}: {_reason(error)}") from error
    return found


def _system() -> ssl.SSLContext:
    """The authorities of this machine.

    On Linux these are files, and the standard library reads them once for all connections;
    truststore would read them again for each (measured: 22 ms of CPU a connection). On macOS and
    Windows they are a service of the system, which truststore asks.
    """
    if sys.platform in ("darwin", "win32"):
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context()


@functools.cache
def _shared() -> ssl.SSLContext:
    return _system()


class _Encrypted(Exception):
    """A key that is protected by a passphrase."""

    def __str__(self) -> str:
        return "the key is protected by a passphrase, which regsync does not ask for"


def _no_passphrase() -> str:
    raise _Encrypted


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"not a usable PEM file ({error.reason or 'no certificate or key in it'})"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return str(error)
