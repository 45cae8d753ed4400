"""What images without a name were once, as memory tells: a file that anybody may have written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regsync.errors import InvalidDigest, InvalidReference
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference
from regsync.operations.verdict import Kind, LastKnown
from regsync.state.memory import Memory
from regsync.state.values import Known


@dataclass(frozen=True, slots=True)
class Former:
    """A name that an image had, and what its tag held then."""

    image_id: str
    reference: Reference
    digest: Digest


def former_names(memory: Memory, store: str, image_ids: Iterable[str]) -> tuple[Former, ...]:
    """The names under which some images were in sync, the newest first.

    What does not parse is left out: memory is evidence, and nonsense in it is none.
    """
    found = []
    for sync in memory.syncs_of(store, image_ids):
        try:
            name, digest = Reference.parse(sync.reference), Digest.parse(sync.digest)
        except (InvalidReference, InvalidDigest):
            continue
        found.append(Former(sync.image_id, name, digest))
    return tuple(found)


def last_known(known: Known | None) -> LastKnown | None:
    """What was said last of a name; None where nothing was, or nobody could have said it."""
    if known is None or known.verdict not in tuple(Kind):
        return None
    return LastKnown(Kind(known.verdict), known.reason, known.at)
