"""The origin policy: where a server may send us, and what goes along.

A registry chooses its token realm, its redirects, its upload locations and its next pages. Each of
them is an address that somebody else wrote, and each has been used to steal a password: redirects
(GHSA-vh4v-2xq2-g5cg), realms (CVE-2026-48978), upload locations (CVE-2026-50151), pages
(GHSA-h7vf-4x9w-h99v). All of them are judged here and nowhere else.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}
_METADATA = frozenset({"169.254.169.254", "fd00:ec2::254", "100.100.100.200"})
URL_LIMIT = 16 * 1024
# Docker Hub and GitLab answer at one host and hand out tokens at another, both their own
# (docs.docker.com; docs.gitlab.com, "Container registry", whose realm is gitlab.com/jwt/auth).
_REALM_PAIRS = {
    ("https", "registry-1.docker.io", 443): ("https", "auth.docker.io", 443),
    ("https", "registry.gitlab.com", 443): ("https", "gitlab.com", 443),
}


class RefusedAddress(Exception):
    """An address that a server named and that regsync does not go to; says why."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: equal in all three, or not the same origin."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Self:
        """Read the origin of an absolute URL.

        Raises:
            RefusedAddress: not http(s), without a host, with credentials in it, or malformed.
        """
        if len(url) > URL_LIMIT or _is_malformed(url):
            raise RefusedAddress("it is malformed")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise RefusedAddress("it is malformed") from error
        if parts.scheme not in _PORTS:
            raise RefusedAddress("it is neither http nor https")
        if parts.username is not None or parts.password is not None:
            raise RefusedAddress("it carries credentials")
        host = (parts.hostname or "").rstrip(".").lower()
        if not host:
            raise RefusedAddress("it names no host")
        # To httpx U+3002 is a dot as well (IDNA knows four): it would connect to 127.0.0.1 where
        # this module saw a name.
        if not host.isascii():
            raise RefusedAddress("its host is not ASCII")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme])

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine, by name or by address."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        address = parse_address(self.host)
        return address is not None and address.is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be asked, and whether the registry's credentials may go along."""

    url: str
    credentials: bool


def redirect(registry: Origin, current: str, location: str) -> Target:
    """Judge a redirect's or upload's `Location`, relative to the URL that answered.

    Credentials go along only where the whole chain stayed on the registry's own origin.

    Raises:
        RefusedAddress: from https to http, or to an address that no public server may name.
    """
    url = _join(current, location)
    origin = Origin.of(url)
    if Origin.of(current).scheme == "https" and origin.scheme == "http":
        raise RefusedAddress("it leads from https to http")
    if origin != registry:
        refuse_internal(origin, registry)
    return Target(url, credentials=origin == registry and Origin.of(current) == registry)


def realm(registry: Origin, challenged: str, address: str, trusted: Origin | None = None) -> Target:
    """Judge a challenge's realm.

    Credentials go to the registry's own origin and to the token hosts known to be a registry's
    own (Docker Hub, GitLab); any other realm is asked without.

    Args:
        trusted: The one other origin that the user lets see the credentials.

    Raises:
        RefusedAddress: an https registry names an http realm, or an internal address.
    """
    url = _join(challenged, address)
    origin = Origin.of(url)
    if registry.scheme == "https" and origin.scheme == "http":
        raise RefusedAddress("it leads from https to http")
    if origin not in (registry, trusted):
        refuse_internal(origin, registry)
    key = (registry.scheme, registry.host, registry.port)
    paired = _REALM_PAIRS.get(key) == (origin.scheme, origin.host, origin.port)
    return Target(url, credentials=origin in (registry, trusted) or paired)


def page(current: str, link: str) -> str:
    """Judge a `Link`: the same origin and the same list, or it is not the next page.

    Registries behind a path of their own leave it out (Artifactory, RTFACT-18971): of a link to
    `/v2/node/tags/list` on the list of `docker/node` the page is taken, and the list stays.

    Raises:
        RefusedAddress: it leads elsewhere.
    """
    url = _join(current, link)
    if Origin.of(url) != Origin.of(current):
        raise RefusedAddress("the next page is on another host")
    told, asked = urlsplit(url), urlsplit(current)
    if told.path == asked.path:
        return url
    if not (told.path.startswith("/v2/") and asked.path.endswith(told.path.removeprefix("/v2"))):
        raise RefusedAddress("the next page is of another list")
    return urlunsplit(told._replace(path=asked.path))


def refuse_internal(origin: Origin, registry: Origin) -> None:
    """Refuse addresses inside the machine or its cloud, unless the user named such a registry.

    Raises:
        RefusedAddress: loopback, link-local, metadata, unspecified or multicast.
    """
    if origin.is_loopback:
        if registry.is_loopback:
            return
        raise RefusedAddress("it leads to this machine")
    address = parse_address(origin.host)
    if address is not None and is_forbidden(address):
        raise RefusedAddress("it leads to an internal address")


def is_forbidden(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether no registry may send anybody to `address`; private networks are allowed (Harbor)."""
    return (
        address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or str(address) in _METADATA
    )


def is_internal(registry: str) -> bool:
    """Whether a registry, as references name it, is this machine or has an address that no other
    network reaches; so is what cannot be read."""
    try:
        origin = Origin.of(f"https://{registry}")
    except RefusedAddress:
        return True
    address = parse_address(origin.host)
    if address is None:
        return origin.is_loopback
    return not address.is_global or is_forbidden(address)


def parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that `host` spells, in any spelling a resolver accepts; None for a name.

    `2130706433`, `0x7f.1` and `::ffff:127.0.0.1` are all 127.0.0.1 to the C library.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _legacy_ipv4(host)
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _legacy_ipv4(host: str) -> ipaddress.IPv4Address | None:
    """The `inet_aton` forms: one to four numbers, decimal, octal or hexadecimal."""
    parts = host.split(".")
    if not 1 <= len(parts) <= 4:
        return None
    try:
        numbers = [_c_integer(part) for part in parts]
    except ValueError:
        return None
    *leading, last = numbers
    if any(number > 255 for number in leading) or last >= 256 ** (4 - len(leading)):
        return None
    value = last
    for place, number in enumerate(leading):
        value += number << (8 * (3 - place))
    return ipaddress.IPv4Address(value)


def _c_integer(text: str) -> int:
    if not text.isascii() or not text.isalnum():
        raise ValueError(text)
    if text[:2] in ("0x", "0X"):
        return int(text[2:] or "0", 16)
    if len(text) > 1 and text.startswith("0"):
        return int(text, 8)
    return int(text, 10)


def _is_malformed(url: str) -> bool:
    return "\\" in url or any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url)


def _join(base: str, location: str) -> str:
    if not location or len(location) > URL_LIMIT:
        raise RefusedAddress("it is empty or too long")
    # `urljoin` drops line breaks and repairs `https:///x`; a server that sends those is refused.
    if _is_malformed(location):
        raise RefusedAddress("it is malformed")
    try:
        parts = urlsplit(location)
        if parts.scheme and not parts.netloc:
            raise RefusedAddress("it names no host")
        return urljoin(base, location)
    except ValueError as error:
        raise RefusedAddress("it is malformed") from error
