"""The judge: one name, its registry's answers, one verdict. Pure; see `questions`.

The order: equal digests, this platform's manifest, equal content (`compare`), and only then the
question of which side changed (`ancestry`).
"""

from __future__ import annotations

from dataclasses import replace

from regsync.errors import RegsyncError
from regsync.oci.annotations import VERSION
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Manifest
from regsync.operations import ancestry, holdings, questions
from regsync.operations.case import Case
from regsync.operations.compare import compare, completed, platform_missing
from regsync.operations.questions import Absent, Hidden, Inquiry
from regsync.operations.verdict import MOVED, Kind, Layers, Verdict, unknown


def judge(case: Case) -> Inquiry[Verdict]:
    """The verdict on one name.

    Raises:
        RegsyncError: a question that decides had no answer; the verdict is then `unknown`.
    """
    if case.reference.digest is not None:
        return (yield from _pinned(case, case.reference.digest))
    held = yield from questions.holds(case.reference)
    if isinstance(held, Hidden):
        return _hidden(case, held)
    if isinstance(held, Absent):
        kind, reason = yield from ancestry.absent(case)
        return Verdict(kind, reason, local_digest=case.local_digest)
    verdict = yield from _present(case, held)
    return replace(verdict, local_digest=_ours(case, held), remote_digest=held)


def _present(case: Case, held: Digest) -> Inquiry[Verdict]:
    if held not in case.manifests:
        case = yield from completed(case)
    found = yield from compare(case, held)
    if found.reason is not None:
        return Verdict(Kind.UP_TO_DATE, found.reason, platform_digest=found.platform_digest)
    assert found.manifest is not None  # noqa: S101 - content differs only after it was read
    manifest = found.manifest
    try:
        theirs = yield from questions.config(case.repository, manifest.config)
    except RegsyncError:
        # Who changed can be told without it; what changed cannot.
        theirs = None
    if theirs is not None and _other_platform(case, theirs):
        raise platform_missing(case, [theirs.platform])
    kind, reason = yield from ancestry.differs(case, held, manifest)
    verdict = Verdict(kind, reason, platform_digest=manifest.digest)
    if theirs is None or kind not in MOVED:
        return verdict
    ours = case.image.config.labels if case.image.config is not None else {}
    return replace(
        (yield from weighed(case, verdict, manifest, theirs)),
        changed=_change(ours.get(VERSION, ""), theirs.labels.get(VERSION, "")),
    )


def weighed(
    case: Case, verdict: Verdict, manifest: Manifest, theirs: ImageConfig
) -> Inquiry[Verdict]:
    """The verdict with what a pull would transfer, as exactly as manifests at hand tell."""
    also = {case.image.id: case.synced_digests}
    blobs = yield from holdings.known_blobs(case.holdings, theirs.diff_ids, also)
    kept = holdings.kept(case.holdings, manifest, theirs.diff_ids, blobs)
    return replace(
        verdict,
        layers=Layers(len(manifest.layers), sum(kept)),
        download_bytes=holdings.download_bytes(manifest, kept),
    )


def _other_platform(case: Case, theirs: ImageConfig) -> bool:
    told = theirs.platform
    if not told.variant:
        # Configs of ARM images often leave out the variant that their index tells.
        told = replace(told, variant=case.platform.variant)
    return case.platform.known and told.known and not told.same(case.platform)


def _pinned(case: Case, digest: Digest) -> Inquiry[Verdict]:
    held = yield from questions.holds(case.reference)
    if isinstance(held, Hidden):
        return unknown(held.error)
    if isinstance(held, Absent):
        return Verdict(Kind.PINNED_GONE, local_digest=digest)
    verdict = Verdict(Kind.PINNED, local_digest=digest, remote_digest=held)
    if case.reference.tag is None:
        return verdict
    beside = yield from questions.holds(case.reference.with_tag(case.reference.tag))
    if isinstance(beside, Digest) and beside != digest:
        return verdict.noting(f"tag {case.reference.tag} has moved to {beside.short}")
    return verdict


def _hidden(case: Case, hidden: Hidden) -> Verdict:
    """Missing or private, and the registry does not say which.

    An image that was never in step with it is most likely nobody's but ours.
    """
    if case.never_synced:
        return Verdict(Kind.LOCAL_ONLY, "not_found_or_private", local_digest=case.local_digest)
    return unknown(hidden.error)


def _ours(case: Case, held: Digest) -> Digest | None:
    return held if held in case.image.digests else case.local_digest


def _change(ours: str, theirs: str) -> str:
    return f"{ours} → {theirs}" if ours and theirs and ours != theirs else ""
