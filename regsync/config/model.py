"""The shape of `regsync.toml`, checked: an unknown key is an error, never ignored."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regsync.config.duration import parse_duration
from regsync.config.load import canonical
from regsync.errors import InvalidConfig, UsageError
from regsync.oci.glob import Glob
from regsync.oci.reference import DOCKER_HUB
from regsync.settings import HostSettings, StatusSettings, Tls

JOBS_LIMIT = 256


class _Strict(BaseModel):
    # Strict: `jobs = "4"` and `endpoint_auth = 1` are mistakes, not other spellings.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Registry(_Strict):
    endpoint: str | None = None
    tls: Tls | None = None
    ca_file: str | None = None
    jobs: int | None = Field(default=None, ge=1, le=JOBS_LIMIT)
    endpoint_auth: bool = False
    hub_api: str | None = None
    keep_pulls: int | None = Field(default=None, ge=0)
    token_server: str | None = None


class _Status(_Strict):
    ignore: list[str] = Field(default_factory=list)
    min_age: str | None = None
    keep_pulls: int | None = Field(default=None, ge=0)


class _Document(_Strict):
    registry: dict[str, _Registry] = Field(default_factory=dict)
    status: _Status = Field(default_factory=_Status)


def read(document: Mapping[str, Any], file: Path) -> tuple[dict[str, HostSettings], StatusSettings]:
    """The settings by host of a parsed `regsync.toml`, and those of `status`.

    Args:
        document: What `tomllib` made of it.
        file: Where it stands: a relative `ca_file` is relative to its folder.

    Raises:
        InvalidConfig: a key that does not exist, or a value of the wrong kind.
    """
    try:
        checked = _Document.model_validate(document)
    except ValidationError as error:
        raise _explain(error, file) from error
    for host in checked.registry:
        if checked.registry[host].hub_api is not None and canonical(host) != DOCKER_HUB:
            raise InvalidConfig(
                f"cannot understand `{file}`",
                f"`{host}` has no `hub_api`: only Docker Hub has such an API",
                f'write it below [registry."{DOCKER_HUB}"]',
            )
        if not host or "/" in host:
            raise InvalidConfig(
                f"cannot understand `{file}`",
                f"`{host}` is not a registry host",
                'write it as in references: [registry."registry.example.com:5000"]',
            )
    hosts = {
        host: HostSettings(
            endpoint=entry.endpoint,
            tls=entry.tls,
            # Beside the file that names it, so that it means the same wherever regsync runs.
            ca_file=None if entry.ca_file is None else file.parent / entry.ca_file,
            jobs=entry.jobs,
            endpoint_auth=entry.endpoint_auth,
            hub_api=entry.hub_api,
            keep_pulls=entry.keep_pulls,
            token_server=entry.token_server,
        )
        for host, entry in checked.registry.items()
    }
    return hosts, _status(checked.status, file)


def _status(entry: _Status, file: Path) -> StatusSettings:
    key = "ignore"
    try:
        for pattern in entry.ignore:
            Glob.parse(pattern)
        key = "min_age"
        min_age = None if entry.min_age is None else parse_duration(entry.min_age)
    except UsageError as error:
        what = f"cannot understand `{file}`"
        raise InvalidConfig(what, f"`status.{key}`: {error}", error.hint) from error
    return StatusSettings(tuple(entry.ignore), min_age, entry.keep_pulls)


def _explain(error: ValidationError, file: Path) -> InvalidConfig:
    """The first mistake, in the file's own words."""
    mistake = error.errors(include_url=False)[0]
    parts = [str(part) for part in mistake["loc"]]
    what = f"cannot understand `{file}`"
    if mistake["type"] == "extra_forbidden":
        inside = _Status if parts[0] == "status" else _Registry
        known = list(_Document.model_fields if len(parts) == 1 else inside.model_fields)
        close = difflib.get_close_matches(parts[-1], known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"
        return InvalidConfig(what, f"unknown key `{_dotted(parts)}`", hint)
    message = mistake["msg"].removeprefix("Input should ")
    return InvalidConfig(what, f"`{_dotted(parts)}` should {message}")


def _dotted(parts: list[str]) -> str:
    """A key as TOML writes it: `registry."r.example:5000".jobs`."""
    return ".".join(
        part if part.replace("_", "").replace("-", "").isalnum() else f'"{part}"' for part in parts
    )
