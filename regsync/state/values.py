"""What memory holds: syncs, verdicts and sightings.

All of it is evidence to compare with, never authority: a verdict is made from what the store and
the registry say now. So digests and IDs stay texts here, compared and never followed. A reference
is written as `str(Reference)`, a store as `StoreInfo.key`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sync:
    """A moment at which a name in a store held what its tag held.

    Attributes:
        image_id: The store's ID of the image.
        digest: What the tag held: of an index or of a manifest.
        child: The platform's manifest, where `digest` is of an index.
        config: The digest of the image's config, where it is known.
        by: How it came about; `observed` where regsync only found them equal.
        at: When, in UTC.
    """

    store: str
    reference: str
    image_id: str
    digest: str
    child: str | None
    config: str | None
    by: Literal["pull", "push", "observed"]
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """The last verdict on a name in a store.

    Attributes:
        image_id: The image it was said of; None where the name was not there.
        stale: None for `unknown`.
        at: When it was made, in UTC.
        built_here: Whether the image was known to be built on this machine.
    """

    store: str
    reference: str
    image_id: str | None
    verdict: str
    reason: str | None
    stale: bool | None
    at: datetime
    built_here: bool


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tag held a digest."""

    reference: str
    digest: str
    at: datetime
