"""Image configs: what a container of an image would run (image-spec `config.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from regsync.oci.digest import Digest
from regsync.oci.platform import Platform
from regsync.oci.strictjson import parse_object

SIZE_LIMIT = 8 * 1024 * 1024
"""Bytes that a config may have; the largest seen in the wild has some hundred kilobytes."""

FIRST_IMAGE = datetime(2013, 3, 20, tzinfo=UTC)
"""Docker's first release. A `created` before it is no date: builds that can be repeated write 1970,
or 1980 where ZIP counts from, and some clocks were never set."""

# What decides how a container runs, and what an engine answers as the config has it: compared with
# the blobs on Docker 20.10 to 28.5. The others are filled in, renamed or left out. Podman omits
# Shell, Healthcheck and OnBuild, and needs no comparison: its ID is the config's digest.
_SETTINGS = (
    *("Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "Volumes", "ExposedPorts"),
    *("StopSignal", "Shell", "Healthcheck", "OnBuild"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a config's `history`.

    Attributes:
        created: As it is written, or empty.
        created_by: The instruction, as its builder writes it, or empty.
        layer: Whether it made a layer.
    """

    created: str
    created_by: str
    layer: bool


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The parts of an image config that say whether two images are the same.

    Attributes:
        created: RFC 3339 as it is written, or empty; reproducible builds write the epoch.
        diff_ids: The digests of the uncompressed layers, lowest first.
        settings: Env, Cmd, Entrypoint and so on; what is empty is left out.
        history: The steps it was built by, the first one first; engines do not tell it.
    """

    platform: Platform
    created: str = ""
    diff_ids: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    history: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a config blob.

        Raises:
            InvalidManifest: oversized or no JSON object.
        """
        fields = parse_object(raw, limit=SIZE_LIMIT, what="the image config")
        rootfs = fields.get("rootfs")
        diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        return cls(
            platform=Platform.from_json(fields),
            created=_text(fields.get("created")),
            diff_ids=_texts(diff_ids),
            settings=_settings(fields.get("config")),
            history=_steps(fields.get("history")),
        )

    @classmethod
    def from_inspect(cls, fields: Mapping[str, Any]) -> Self:
        """Read an engine's `GET /images/NAME/json`, which carries the config in parts."""
        rootfs = fields.get("RootFS")
        layers = rootfs.get("Layers") if isinstance(rootfs, dict) else None
        return cls(
            platform=Platform.from_json(fields),
            created=_text(fields.get("Created")),
            diff_ids=_texts(layers),
            settings=_settings(fields.get("Config")),
        )

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels, e.g. `org.opencontainers.image.version`."""
        found = self.settings.get("Labels")
        if not isinstance(found, dict):
            return {}
        return {key: value for key, value in found.items() if isinstance(value, str)}

    def same_image(self, other: ImageConfig) -> bool:
        """Whether both describe one image: same layers, same date, same settings."""
        return (
            bool(self.diff_ids)
            and self.diff_ids == other.diff_ids
            and self.platform.same(other.platform)
            and moment(self.created) == moment(other.created)
            and dict(self.settings) == dict(other.settings)
        )


def chain_ids(diff_ids: Iterable[str]) -> tuple[str, ...]:
    """The ChainIDs of a stack of layers, lowest first (image-spec `config.md` § Layer ChainID).

    An engine has a layer unpacked only on top of the same layers below, so a ChainID is what tells
    whether a pull would fetch it.
    """
    chain: list[str] = []
    for diff_id in diff_ids:
        pair = f"{chain[-1]} {diff_id}" if chain else ""
        chain.append(str(Digest.of(pair.encode())) if pair else diff_id)
    return tuple(chain)


def moment(text: str) -> datetime | None:
    """The moment that an RFC 3339 text names, in UTC, to the microsecond; None where it names none.

    Go's zero time is what engines answer where a config has no date at all. What lies outside the
    years 1 to 9999 of UTC is none either.
    """
    if not text or text.startswith("0001-01-01T00:00:00"):
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _settings(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {name: value[name] for name in _SETTINGS if value.get(name)}


def _steps(value: object) -> tuple[Step, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        Step(_text(one.get("created")), _text(one.get("created_by")), not one.get("empty_layer"))
        for one in value
        if isinstance(one, dict)
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, str))
