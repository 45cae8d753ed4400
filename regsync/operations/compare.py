"""Whether what a tag holds is the image that is here: the first half of a verdict.

Digests are compared first, since equal digests cost nothing to compare. Different digests prove
nothing: an index moves when any of its platforms does, and a push may compress anew. Only the
config, which lists the layers uncompressed, says whether the content differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from regsync.errors import NotFound, PlatformMissing, Unsupported
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.platform import Platform
from regsync.operations import questions
from regsync.operations.case import Case
from regsync.operations.questions import Inquiry

PROBES = 4
"""Digests of one image to ask for: it has one or two, and a store that lists hundreds must not cost
hundreds of requests."""

_NESTED = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the comparison found.

    Attributes:
        reason: The reason of `up_to_date`, or None where the content differs.
        platform_digest: This platform's manifest, where the tag was looked into.
        manifest: The same, read; None where its digest was enough.
    """

    reason: str | None
    platform_digest: Digest | None = None
    manifest: Manifest | None = None


def compare(case: Case, held: Digest) -> Inquiry[Comparison]:
    """Compare the image with what a tag holds.

    Raises:
        PlatformMissing: the tag offers nothing for the image's platform.
        Unsupported: the tag holds no image.
        RegsyncError: a document that decides could not be had.
    """
    if held in case.image.digests:
        return Comparison("exact")
    if held in case.manifests:
        return Comparison("platform_manifest", held)
    found = yield from questions.document(case.repository, held)
    in_index = isinstance(found, Index)
    if isinstance(found, Index):
        child = yield from _child(case, found)
        if child.digest in case.manifests or _remembered(case, child.digest):
            return Comparison("index_changed", child.digest)
        found = yield from questions.document(case.repository, child.digest)
    if not isinstance(found, Manifest) or not found.is_image:
        raise Unsupported(f"`{case.reference.familiar}` is no image", _kind(found))
    if not (yield from _same_content(case, found)):
        return Comparison(None, found.digest, found)
    return Comparison(_equal_reason(case, held, in_index), found.digest, found)


def completed(case: Case) -> Inquiry[Case]:
    """The case with what its store cannot tell of the image, as far as the repository still can.

    A containerd store may hold an image without its platform and config (moby#53615); both follow
    from the image's own digest wherever that is served.

    Raises:
        RegsyncError: the repository could not be asked.
    """
    image = case.image
    if image.config_digest is not None or (image.config is not None and image.config.diff_ids):
        return case
    for digest in sorted(case.manifests)[:PROBES]:
        try:
            found = yield from questions.document(case.repository, digest)
            if not isinstance(found, Manifest) or not found.is_image:
                continue
            config = yield from questions.config(case.repository, found.config)
        except NotFound:
            continue
        told = replace(
            image, config=config, config_digest=found.config.digest, platform=config.platform
        )
        return replace(case, image=told, holdings=case.holdings.having(told))
    return case


def _equal_reason(case: Case, held: Digest, in_index: bool) -> str:
    """Why equal content has another digest here."""
    # The classic store files an index under the first platform that was pulled of it, which the
    # second one takes the name from.
    if any(held in old.came_from(case.repository) for old in case.untagged):
        return "exact"
    # Only a store that remembers can say that this image never came from a registry.
    if case.image.remembers and case.never_synced:
        return "same_content"
    return "index_changed" if in_index else "repackaged"


def _same_content(case: Case, manifest: Manifest) -> Inquiry[bool]:
    image = case.image
    if image.config_digest is not None:
        return image.config_digest == manifest.config.digest
    if image.config is None:
        return False
    theirs = yield from questions.config(case.repository, manifest.config)
    return image.config.same_image(theirs)


def _remembered(case: Case, child: Digest) -> bool:
    return case.unchanged is not None and case.unchanged.child == str(child)


def _child(case: Case, index: Index) -> Inquiry[Descriptor]:
    """This platform's entry, also where it hides in an index inside the index."""
    offered: list[Platform] = []
    level = [index]
    for _ in range(_NESTED):
        deeper: list[Index] = []
        for one in level:
            if chosen := one.select(case.platform):
                return chosen
            offered += one.platforms
            for entry in one.images:
                if entry.is_index and entry.platform is None:
                    nested = yield from questions.document(case.repository, entry.digest)
                    deeper += [nested] if isinstance(nested, Index) else []
        level = deeper
    if len(index.images) == 1 and index.images[0].platform is None:
        return index.images[0]
    raise platform_missing(case, offered)


def platform_missing(case: Case, offered: list[Platform]) -> PlatformMissing:
    """The error that names what is on offer."""
    names = ", ".join(dict.fromkeys(str(platform) for platform in offered)) or "no platform"
    what = f"`{case.reference.familiar}` is not there for {case.platform}"
    if not case.platform.known:
        what = f"the engine does not tell which platform `{case.reference.familiar}` is for here"
    return PlatformMissing(what, f"the registry offers {names}")


def _kind(found: Manifest | Index) -> str:
    if isinstance(found, Index):
        return "an index inside an index that names no platform"
    return f"an artifact of type {found.artifact_type or found.config.media_type}"
