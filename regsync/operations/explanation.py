"""Why an image is behind its tag: the answer to `status --explain`, as values.

Every item names what it was read from, since sources differ in worth: a digest is proof, a label is
what somebody wrote, and a position among layers is a guess and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from regsync.oci.digest import Digest
from regsync.oci.imageconfig import FIRST_IMAGE, moment
from regsync.oci.platform import Platform
from regsync.operations.verdict import Layers

_ZERO = "0001-01-01"
"""What Go writes for no date at all."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that was read somewhere.

    Attributes:
        source: Where: `label`, `manifest annotation`, `index annotation`, or a host's tag list.
    """

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two images: the one here, or the one that the tag holds now.

    Attributes:
        digest: What the tag held or holds: of an index or of a manifest.
        platform_digest: The manifest of this platform, where it is another one and is known.
        created: The config's `created` as it is written; empty where there is none.
        version: `org.opencontainers.image.version`.
        revision: `org.opencontainers.image.revision`.
        tags: Tags that carry this image, as the registry lists them; None where that was not asked.
        pushed_at: When it was pushed, where such a list tells.
    """

    digest: Digest | None = None
    platform_digest: Digest | None = None
    created: str = ""
    version: Told | None = None
    revision: Told | None = None
    tags: tuple[str, ...] | None = None
    pushed_at: datetime | None = None

    @property
    def built(self) -> datetime | None:
        """When it was built; None where its date says nothing."""
        found = moment(self.created)
        return found if found is not None and found >= FIRST_IMAGE else None

    @property
    def reproducible(self) -> bool:
        """Whether its date is one that builds write to be repeatable, such as 1970-01-01."""
        found = moment(self.created)
        return self.created.startswith(_ZERO) or (found is not None and found < FIRST_IMAGE)


class What(StrEnum):
    """What was changed between two images."""

    BASE = "base"
    APPLICATION = "application"
    BOTH = "base_and_application"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class BaseMove:
    """The base of both images, as labels name it; each part empty where none does.

    Attributes:
        name: The base's reference now.
        old: The digest that the image here was built on.
        new: The digest that the other one was built on.
    """

    name: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """What was changed.

    Attributes:
        source: What says so, as people read it.
        guess: Whether it rests on the position of layers alone.
        base: The base, where labels or an image here name it.
    """

    what: What
    source: str
    guess: bool = False
    base: BaseMove | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs.

    Attributes:
        setting: `environment`, `command`, `entrypoint`, `user`, `working directory`, `port`,
            `volume`, `label`, `stop signal`, `shell`, `health check` or `on build`.
        name: Which variable, port, volume or label; empty where there is only one.
        old: None where it was not there.
        new: None where it is there no longer.
    """

    setting: str
    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class PlatformMove:
    """One platform of an index, then and now; None where the index does not have it."""

    platform: Platform
    old: Digest | None
    new: Digest | None

    @property
    def what(self) -> str:
        """`same`, `moved`, `added` or `removed`."""
        if self.old is None or self.new is None:
            return "added" if self.old is None else "removed"
        return "same" if self.old == self.new else "moved"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Two images side by side.

    Attributes:
        ours: The image that is here.
        theirs: The one that the tag holds now, or held when it was last seen.
        cause: None where it cannot be told; `notes` then say why.
        changes: Settings that differ, from both configs.
        layers: Layers of `theirs`; None where a pull would not be the cure.
        download_bytes: What a pull would transfer, without manifests.
        platforms: The platforms of both indexes, None where one of them is not known or no index.
        compare_url: Where the source code of both revisions is compared.
        names_source: Whose tag list `tags` and `pushed_at` come from, and how much of it was read.
        seen_at: When the tag was seen to hold `theirs`, where it was not asked now.
        notes: What could not be told, and why.
    """

    ours: Side
    theirs: Side
    cause: Cause | None = None
    changes: tuple[Change, ...] = ()
    layers: Layers | None = None
    download_bytes: int | None = None
    platforms: tuple[PlatformMove, ...] | None = None
    compare_url: str = ""
    names_source: str = ""
    seen_at: datetime | None = None
    notes: tuple[str, ...] = ()
