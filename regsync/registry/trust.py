"""Whom to trust over TLS: the system's authorities, the user's, and a host's `certs.d` folder."""

from __future__ import annotations

import functools
import ssl
import sys

from regsync.errors import TlsFailed
from regsync.registry.hosts import Endpoint


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
