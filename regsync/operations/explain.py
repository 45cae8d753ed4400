"""`status --explain`: what differs between an image and what its tag holds, part by part.

What a verdict has read already is not read again. The older documents are asked for by digest as
far as their repository still serves them: each is a counted GET at most, and once for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from regsync.errors import NotFound, RegsyncError
from regsync.oci.annotations import PREFIX
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.manifest import Index, Manifest
from regsync.oci.reference import Reference
from regsync.operations import explainparts as parts
from regsync.operations import questions
from regsync.operations.bases import layered_bases
from regsync.operations.case import Case
from regsync.operations.compare import PROBES, compare, completed
from regsync.operations.explaincause import Clues, cause_of, first_difference
from regsync.operations.explanation import BaseMove, Cause, Change, Explanation, Side, Told
from regsync.operations.holdings import PODMAN
from regsync.operations.judge import weighed
from regsync.operations.questions import Inquiry
from regsync.operations.verdict import MOVED, Kind, Verdict
from regsync.stores.base import LocalImage

_PULLED = MOVED | {Kind.UNKNOWN}
EXPLAINED = _PULLED | {Kind.AHEAD}
"""Verdicts behind which stand two images that differ, if the other one is known."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be explained.

    Attributes:
        held: What the tag holds, or held when it was last seen.
        seen_at: When that was; None where it was asked now.
        named: The images here with their names: one of them may be the base.
    """

    case: Case
    verdict: Verdict
    held: Digest
    seen_at: datetime | None = None
    named: Sequence[tuple[Reference, LocalImage]] = ()


@dataclass(frozen=True, slots=True)
class _Documents:
    """One image as documents; what is not known is None."""

    config: ImageConfig | None = None
    manifest: Manifest | None = None
    index: Index | None = None
    why: str = ""

    def told(self, name: str) -> Told | None:
        """What the image says under `org.opencontainers.image.NAME`."""
        return parts.told(PREFIX + name, self.config, self.manifest, self.index)


def explain(subject: Subject) -> Inquiry[tuple[Verdict, Explanation | None]]:
    """The explanation, and the verdict with the exact bytes of a pull.

    No explanation where both turn out to be the same image.

    Raises:
        RegsyncError: what the tag holds cannot be read.
    """
    case, verdict = subject.case, subject.verdict
    if subject.held not in case.manifests:
        case = yield from completed(case)
    found = yield from compare(case, subject.held)
    manifest = found.manifest
    if found.reason is not None or manifest is None:
        return verdict, None
    document = yield from questions.document(case.repository, subject.held)
    config = yield from questions.config(case.repository, manifest.config)
    theirs = _Documents(config, manifest, document if isinstance(document, Index) else None)
    ours = yield from _older(subject, case, with_index=theirs.index is not None)
    explanation = _explained(subject, case, ours, theirs)
    if verdict.kind in _PULLED:
        weight = yield from weighed(case, verdict, manifest, config)
        explanation = replace(
            explanation, layers=weight.layers, download_bytes=weight.download_bytes
        )
        if verdict.kind is not Kind.UNKNOWN:
            verdict = weight
    return verdict, explanation


def _explained(subject: Subject, case: Case, ours: _Documents, theirs: _Documents) -> Explanation:
    notes = [ours.why] if ours.why else []
    if ours.config is None:
        notes.append("the engine does not tell what this image runs")
    moves = None
    if theirs.index is not None and ours.index is not None:
        moves = parts.platforms(ours.index, theirs.index)
    cause = _cause(subject, case, ours, theirs)
    if cause is None:
        notes.append(_untold(ours, theirs))
    changes: tuple[Change, ...] = ()
    if ours.config is not None and theirs.config is not None:
        podman = case.holdings.kind == PODMAN
        changes = parts.changes(ours.config, theirs.config, podman=podman)
    return Explanation(
        ours=_side(ours, subject.verdict.local_digest or case.local_digest),
        theirs=_side(theirs, subject.held),
        cause=cause,
        changes=changes,
        platforms=moves,
        compare_url=_compare_url(ours, theirs),
        seen_at=subject.seen_at,
        notes=tuple(notes),
    )


def _untold(ours: _Documents, theirs: _Documents) -> str:
    """Why it cannot be told what was changed."""
    if (
        ours.config is None
        or theirs.config is None
        or not (ours.config.diff_ids and theirs.config.diff_ids)
    ):
        return "the layers of this image are not known, so neither is what was changed"
    first = first_difference(ours.config.diff_ids, theirs.config.diff_ids)
    return f"base or application cannot be told: {first}, and no base is known"


def _side(documents: _Documents, digest: Digest | None) -> Side:
    child = documents.manifest.digest if documents.manifest is not None else None
    return Side(
        digest=digest,
        platform_digest=child if child != digest else None,
        created=documents.config.created[:64] if documents.config is not None else "",
        version=documents.told("version"),
        revision=documents.told("revision"),
    )


def _cause(subject: Subject, case: Case, ours: _Documents, theirs: _Documents) -> Cause | None:
    if ours.config is None or theirs.config is None:
        return None
    base, depth = "", 0
    # Another tag of the same repository is an earlier version of the image and not its base.
    others = [one for one in subject.named if one[0].repository != case.repository]
    for found in layered_bases(case.image, others):
        if found.image is not None and found.image.config is not None:
            base, depth = found.reference.familiar, len(found.image.config.diff_ids)
            break
    ours_from, theirs_from = ours.told("revision"), theirs.told("revision")
    clues = Clues(
        labelled=_labelled(ours, theirs),
        base=base,
        depth=depth,
        same_revision=ours_from is not None
        and theirs_from is not None
        and ours_from.value == theirs_from.value,
    )
    return cause_of(ours.config.diff_ids, theirs.config.diff_ids, clues)


def _labelled(ours: _Documents, theirs: _Documents) -> BaseMove | None:
    old, new, name = ours.told("base.digest"), theirs.told("base.digest"), theirs.told("base.name")
    if old is None or new is None:
        return None
    return BaseMove(name.value if name is not None else "", old.value, new.value)


def _compare_url(ours: _Documents, theirs: _Documents) -> str:
    source = theirs.told("source") or ours.told("source")
    old, new = ours.told("revision"), theirs.told("revision")
    if source is None or old is None or new is None:
        return ""
    return parts.compare_url(source.value, old.value, new.value)


def _older(subject: Subject, case: Case, *, with_index: bool) -> Inquiry[_Documents]:
    """The documents that the image here came by, as far as they are at hand or still served."""
    found = _Documents(case.image.config)
    claimed = (
        one.digest
        for one in (*case.image.origins, *case.image.claims)
        if one.repository == case.repository
    )
    wanted = (*case.synced_digests, *claimed, *sorted(case.manifests))
    # What was made here is asked for in vain.
    lost = case.image.remembers and case.never_synced
    published = subject.verdict.kind in _PULLED and not lost
    for digest in list(dict.fromkeys(one for one in wanted if one is not None))[:PROBES]:
        if found.manifest is not None and (found.index is not None or not with_index):
            break
        document = yield from questions.at_hand(digest)
        try:
            if document is None and published:
                document = yield from questions.document(case.repository, digest)
            if isinstance(document, Index) and found.index is None:
                child = document.select(case.platform)
                found = replace(found, index=document)
                if child is None:
                    continue
                document = yield from questions.document(case.repository, child.digest)
        except NotFound:
            continue
        except RegsyncError as error:
            found = replace(found, why=f"the older manifest cannot be read: {error}")
            break
        if isinstance(document, Manifest) and found.manifest is None:
            found = replace(found, manifest=document)
    if with_index and found.index is None and not found.why:
        why = "the older index is not at hand: which platforms moved cannot be told"
        found = replace(found, why=why)
    return found
