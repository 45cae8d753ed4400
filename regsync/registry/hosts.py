"""Where a registry is: the host of a reference becomes an address, with TLS or without.

There is no probing: loopback is plain HTTP, everything else is TLS, and configuration or a
`certs.d` folder says otherwise. A guess in either direction would send a password in the clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from regsync.errors import InvalidConfig, TlsFailed, UsageError
from regsync.oci.reference import DOCKER_HUB
from regsync.registry.origin import Origin, RefusedAddress
from regsync.settings import HostSettings, Tls

_HUB_ENDPOINT = "https://registry-1.docker.io"
_HUB_API = "https://hub.docker.com"
JOBS = 50
"""Requests at once to one host where nothing else is set; docs/architecture.md has the figures."""
CERTS_D = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one registry is reached.

    Attributes:
        registry: The host as references write it, e.g. `docker.io`.
        base: Scheme, host and port, without a slash at the end.
        verify: Whether certificates are checked.
        ca_files: Authorities trusted for this host beside the system's.
        client_certificates: Certificates shown to this host, each with its key.
        jobs: Requests at once; streams of blobs are counted apart, as many again.
        sends_credentials: False where the endpoint is another origin than the host that the
            credentials are for.
        keep_pulls: Pulls of the registry's limit that are never spent.
        token_server: Another origin that may see the credentials, where the registry's realm is
            there.
    """

    registry: str
    base: str
    verify: bool = True
    ca_files: tuple[Path, ...] = ()
    client_certificates: tuple[tuple[Path, Path], ...] = ()
    jobs: int = JOBS
    sends_credentials: bool = True
    keep_pulls: int = 0
    token_server: Origin | None = None

    @property
    def origin(self) -> Origin:
        """The origin that credentials may go to."""
        return Origin.of(self.base)


def endpoint(
    registry: str, settings: HostSettings | None = None, certs_d: tuple[Path, ...] = CERTS_D
) -> Endpoint:
    """The way to `registry`, from its settings and its `certs.d` folder.

    Raises:
        UsageError: the host is no address.
        InvalidConfig: the configured endpoint is no http(s) address.
        TlsFailed: a `certs.d` folder cannot be read, or a client certificate there has no key.
    """
    _origin(registry)
    chosen = settings or HostSettings()
    folders = [folder for root in certs_d if _is_folder(registry, folder := root / registry)]
    files = tuple(file for folder in folders for file in _listed(registry, folder, ".crt"))
    if chosen.ca_file:
        files = (chosen.ca_file, *files)
    own = _HUB_ENDPOINT if registry == DOCKER_HUB else _own_base(registry, chosen.tls, folders)
    base = own if chosen.endpoint is None else _chosen_base(registry, chosen.endpoint)
    same = Origin.of(base) == Origin.of(own)
    return Endpoint(
        registry=registry,
        base=base,
        verify=chosen.tls != "insecure",
        ca_files=files,
        client_certificates=tuple(
            (file, _key(registry, file))
            for folder in folders
            for file in _listed(registry, folder, ".cert")
        ),
        jobs=chosen.jobs or JOBS,
        sends_credentials=same or chosen.endpoint_auth,
        keep_pulls=chosen.keep_pulls or 0,
        token_server=_token_server(registry, chosen.token_server, base),
    )


def _token_server(registry: str, address: str | None, base: str) -> Origin | None:
    if address is None:
        return None
    found = Origin.of(_chosen_base(registry, address, "token_server"))
    if found.scheme == "http" and Origin.of(base).scheme == "https":
        raise InvalidConfig(
            f"cannot ask `{registry}`",
            "`token_server` of this host in regsync.toml is plain HTTP, and the registry is not",
            f'write token_server = "https://{found.host}"',
        )
    return found


def hub_api(settings: HostSettings) -> Endpoint:
    """The way to Docker Hub's own API, which is no registry and is sent no credentials.

    Args:
        settings: Those of `docker.io`.

    Raises:
        InvalidConfig: the configured address is no http(s) address.
    """
    base = _HUB_API
    if settings.hub_api is not None:
        base = _chosen_base(DOCKER_HUB, settings.hub_api, "hub_api")
    files = (settings.ca_file,) if settings.ca_file else ()
    return Endpoint(Origin.of(base).host, base, ca_files=files, sends_credentials=False)


def _own_base(registry: str, tls: Tls | None, folders: list[Path]) -> str:
    if tls is None:
        loopback = _origin(registry).is_loopback
        tls = "off" if loopback and not folders else "on"
    return f"{'http' if tls == 'off' else 'https'}://{registry}"


def _origin(registry: str) -> Origin:
    """The origin of a host as references write it; their grammar allows ports that no host has."""
    try:
        return Origin.of(f"https://{registry}")
    except RefusedAddress as error:
        raise UsageError(
            f"`{registry}` is no address of a registry",
            str(error),
            "a port is a number of at most 65535",
        ) from error


def _is_folder(registry: str, folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError as error:
        # Whether TLS is meant cannot be told, and a guess is what this module never makes.
        raise TlsFailed(
            f"cannot read the certificates of `{registry}`", f"{folder}: {error.strerror or error}"
        ) from error


def _listed(registry: str, folder: Path, suffix: str) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == suffix)
    except OSError as error:
        raise TlsFailed(
            f"cannot read the certificates of `{registry}`", f"{folder}: {error.strerror or error}"
        ) from error


def _key(registry: str, certificate: Path) -> Path:
    """`client.key` beside `client.cert`, as docker has it."""
    key = certificate.with_suffix(".key")
    if not key.exists():
        raise TlsFailed(
            f"cannot read the certificates of `{registry}`",
            f"{certificate} has no key beside it ({key.name})",
            "authorities end in .crt; .cert is for client certificates, each with its .key",
        )
    return key


def _chosen_base(registry: str, address: str, key: str = "endpoint") -> str:
    """A configured endpoint, never shown again: somebody may have put a password into it."""
    try:
        origin = Origin.of(address)
        parts = urlsplit(address)
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise RefusedAddress("it is more than scheme, host and port")
    except RefusedAddress as error:
        raise InvalidConfig(
            f"cannot ask `{registry}`",
            f"`{key}` of this host in regsync.toml has no meaning: {error}",
            f'write scheme, host and port: {key} = "https://mirror.example.com:5000"',
        ) from error
    return str(origin)
