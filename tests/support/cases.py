"""Local images as every kind of store tells of them, and the cases they make."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from world import Content, image

from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index
from regsync.oci.reference import Reference
from regsync.operations.case import Case
from regsync.state.values import Sync
from regsync.stores.base import LocalImage

NAME = "r.example/team/app:1"
REPOSITORY = "r.example/team/app"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
V1, V2, V3 = image("base", "one"), image("base", "two"), image("base", "three")
ARM = image("arm", platform="linux/arm64/v8")
ARM_2 = image("arm", "patched", platform="linux/arm64/v8")


def at(name: str, digest: Digest) -> Reference:
    return replace(Reference.parse(name), tag=None, digest=digest)


def classic(content: Content, *origins: Reference, names: tuple[str, ...] = (NAME,)) -> LocalImage:
    return LocalImage(
        id=str(content.config_digest),
        names=tuple(map(Reference.parse, names)),
        platform=content.parsed.platform,
        digests=frozenset(origin.digest for origin in origins if origin.digest),
        config_digest=content.config_digest,
        config=content.parsed,
        origins=origins,
        remembers=True,
    )


def containerd(
    content: Content, target: Index | None = None, names: tuple[str, ...] = (NAME,)
) -> LocalImage:
    digest = target.digest if target is not None else content.digest
    child = Descriptor(content.manifest.media_type, content.digest, 1, content.parsed.platform)
    references = tuple(map(Reference.parse, names))
    return LocalImage(
        id=str(digest),
        names=references,
        platform=content.parsed.platform,
        digests=frozenset({digest}),
        children=(child,) if target is not None else (),
        config=content.parsed,
        claims=tuple(replace(name, tag=None, digest=digest) for name in references),
    )


def podman(content: Content, *digests: Digest, names: tuple[str, ...] = (NAME,)) -> LocalImage:
    references = tuple(map(Reference.parse, names))
    return LocalImage(
        id=str(content.config_digest),
        names=references,
        platform=content.parsed.platform,
        digests=frozenset(digests),
        config_digest=content.config_digest,
        config=content.parsed,
        claims=tuple(
            replace(name, tag=None, digest=digest) for name in references for digest in digests
        ),
    )


def case(local: LocalImage, name: str = NAME, **known: object) -> Case:
    return replace(Case(local, Reference.parse(name)), **known)


def synced(local: LocalImage, digest: Digest, child: Digest | None = None) -> Sync:
    return Sync(
        store="s",
        reference=NAME,
        image_id=local.id,
        digest=str(digest),
        child=str(child) if child else None,
        config=None,
        by="observed",
        at=NOW,
    )


def kinds(content: Content, *digests: Digest) -> list[LocalImage]:
    """One image as every kind of store holds it after it came by `digests` of the repository."""
    return [
        classic(content, *(at(NAME, digest) for digest in digests)),
        containerd(content),
        podman(content, *digests),
    ]
