"""Where an image that differs from its tag came from: the second half of a verdict.

Three things are compared, as git does: what was last in sync, what is here, what the tag holds now.
Two rules keep this honest:

- A digest proves the repository, never the tag. After `docker tag app:1.4 app:latest` every name
  shows the same digests, so an image that another tag still holds came by that tag.
- A store that makes up its digests proves nothing by listing them. Whether such an image was ever
  in a repository is asked of the repository: does it serve this digest?
"""

from __future__ import annotations

from collections.abc import Sequence

from regsync.errors import NotFound, PlatformMissing
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference
from regsync.operations import questions
from regsync.operations.case import Case
from regsync.operations.compare import PROBES, compare
from regsync.operations.questions import Inquiry
from regsync.operations.verdict import Kind
from regsync.stores.base import LocalImage

Finding = tuple[Kind, str | None]


def differs(case: Case, held: Digest, manifest: Manifest) -> Inquiry[Finding]:
    """The verdict where the tag holds other content than this image."""
    if case.came_by_this_name:
        return Kind.OUTDATED, _direction(case, held)
    if _still_as_synced(case, held, manifest):
        return Kind.AHEAD, None
    # Not by its digest: who pulls a tag and pins the same digest elsewhere has both names.
    tags = [name for name in case.siblings if name.digest is None]
    if (yield from _is_retag(case, tags)) is True:
        return Kind.UNRELATED, "retagged"
    if (yield from _was_published(case)):
        return Kind.OUTDATED, _direction(case, held)
    if case.synced is not None:
        return Kind.DIVERGED, None
    return (yield from _built_over(case, held, manifest))


def absent(case: Case) -> Inquiry[Finding]:
    """The verdict where the tag is not there."""
    there = yield from questions.exists(case.repository)
    lost: Finding = (Kind.GONE, "tag" if there else "repository")
    if case.came_by_this_name:
        return lost
    retag = (yield from _is_retag(case, case.siblings)) if there else False
    if retag is True:
        return Kind.UNPUSHED, "new_tag"
    published = bool(case.image.came_from(case.repository))
    if there and not published:
        published = yield from _was_published(case)
    if published:
        # Another tag names this image and has moved on: it came by that one or by this one, and
        # nothing tells which.
        return (Kind.UNPUSHED, "never_seen") if retag is None else lost
    if case.synced is not None:
        return lost
    if not there:
        return Kind.UNPUSHED, "new_repository"
    return Kind.UNPUSHED, "new_tag" if case.image.remembers else "never_seen"


def _direction(case: Case, held: Digest) -> str:
    """Whether the tag went on, or back to what was here before."""
    # Without memory nothing tells: an untagged image that is what the tag holds may be the older or
    # the newer one.
    return "rolled_back" if str(held) in case.seen_before else "moved"


def _still_as_synced(case: Case, held: Digest, manifest: Manifest) -> bool:
    """Whether the tag holds, for this platform, what it held at the last sync."""
    if case.synced is None:
        return False
    return (
        case.synced.digest == str(held)
        or case.synced.child == str(manifest.digest)
        or case.synced.config == str(manifest.config.digest)
    )


def _was_published(case: Case) -> Inquiry[bool]:
    """Whether this very image is or was in the repository."""
    if case.image.came_from(case.repository):
        return True
    if case.image.remembers:
        return False
    for digest in sorted(case.manifests)[:PROBES]:
        if (yield from questions.serves(case.repository, digest)):
            return True
    return False


def _is_retag(case: Case, names: Sequence[Reference]) -> Inquiry[bool | None]:
    """Whether another name proves to be the one it came by; None where one is there and moved."""
    moved: bool | None = False
    for sibling in names:
        held = yield from questions.holds(sibling)
        if not isinstance(held, Digest):
            continue
        if (yield from compare(case, held)).reason is not None:
            return True
        moved = None
    return moved


def _built_over(case: Case, held: Digest, manifest: Manifest) -> Inquiry[Finding]:
    """The verdict of an image that was never in the repository, without any memory of the tag.

    An image that lost its name is what this one was built over: a pull or a build took the name.
    """
    if any(_is_content(old, held, manifest) for old in case.untagged):
        return Kind.AHEAD, None
    earlier = {digest for old in case.untagged for digest in old.came_from(case.repository)}
    for digest in sorted(earlier)[:PROBES]:
        # Pulling a second platform of one tag leaves the index with the first one's image.
        if (yield from _offers(case, digest)):
            return Kind.OUTDATED, "moved"
    return (Kind.DIVERGED if earlier else Kind.UNRELATED), None


def _is_content(image: LocalImage, held: Digest, manifest: Manifest) -> bool:
    digests = image.digests | {child.digest for child in image.children}
    return (
        held in digests
        or manifest.digest in digests
        or image.config_digest == manifest.config.digest
    )


def _offers(case: Case, digest: Digest) -> Inquiry[bool]:
    """Whether an earlier index of the repository holds this image for its platform."""
    try:
        found = yield from questions.document(case.repository, digest)
        if not isinstance(found, Index):
            return False
        return (yield from compare(case, digest)).reason is not None
    except (NotFound, PlatformMissing):
        return False
