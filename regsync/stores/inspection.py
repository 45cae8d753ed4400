"""What an engine's answers mean: pure, one place for the lies of three families of stores.

The same field says different things (recorded from eight engines, `tests/recordings/README.md`):

                     classic                  containerd               Podman
    Id               config digest            manifest or index        config digest
    RepoDigests      proof of pull or push    made up from the names   names times digests
    proof of origin  RepoDigests              Identity (API 1.53)      none
    children         unknown                  Manifests (API 1.48)     among RepoDigests
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from regsync.errors import ContentError, InvalidReference, StoreFailure
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference, Repository
from regsync.stores.base import Container, LocalImage, StoreInfo
from regsync.stores.fields import Fields, read_count, read_list, read_objects, read_text, read_texts
from regsync.stores.labels import read_starter

CLASSIC = "classic"
CONTAINERD = "containerd"
CONTAINERS_STORAGE = "containers-storage"

_SNAPSHOTTER = ["driver-type", "io.containerd.snapshotter.v1"]
_HEX_ID = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
# A paused or restarting container holds on to its image like any other that runs.
_RUNNING = frozenset({"running", "paused", "restarting"})


def store_info(version: Fields, info: Fields, address: str) -> StoreInfo:
    """Which store answered, from `GET /version` and `GET /info`."""
    podman = any(
        component.get("Name") == "Podman Engine"
        for component in read_objects(version, "Components")
    )
    # Distributions append their own mark: `28.5.2+dfsg4`.
    number = read_text(version, "Version").partition("+")[0]
    root = read_text(info, "DockerRootDir")
    if podman:
        # Podman draws a new ID at every start, so where it keeps things has to do.
        return StoreInfo("podman", number, CONTAINERS_STORAGE, address, f"{address} {root}")
    kind = CONTAINERD if _SNAPSHOTTER in read_list(info, "DriverStatus") else CLASSIC
    # One daemon may have both stores, one after the other, with other images in each.
    key = f"{read_text(info, 'ID') or f'{address} {root}'} {kind}"
    return StoreInfo("docker", number, kind, address, key)


def image(kind: str, listed: Fields, inspected: Fields | None) -> LocalImage:
    """One image, from its entry in `GET /images/json` and its `GET /images/ID/json`.

    Names come from the list, all of one moment: an inspect later may see a tag that has moved on,
    and several engines show names by digest in the list alone.

    Args:
        kind: The store's, as in `StoreInfo`.
        inspected: None where the engine could not inspect it, which happens to broken content.

    Raises:
        StoreFailure: the entry has no usable ID.
    """
    id_ = full_id(read_text(listed, "Id"))
    details = inspected or {}
    names, local_names = read_names(
        read_texts(listed, "RepoTags"), podman=kind == CONTAINERS_STORAGE
    )
    # The containerd store lists one name's digest only, and inspects all of them.
    repo_digests = read_digests(read_texts(listed if inspected is None else details, "RepoDigests"))
    digests = {reference.digest for reference in repo_digests if reference.digest is not None}
    origins: tuple[Reference, ...] = ()
    claims: tuple[Reference, ...] = ()
    children: tuple[Descriptor, ...] = ()
    config_digest: Digest | None = None
    remembers = False
    if kind == CONTAINERD:
        digests = _target_digests(id_, listed, details)
        claims, children = repo_digests, read_children(id_, read_objects(details, "Manifests"))
        # Identity is missing before API 1.53, and where the engine knows nothing.
        remembers = isinstance(details.get("Identity"), dict)
        origins = read_identity(id_, details.get("Identity"))
    elif kind == CONTAINERS_STORAGE:
        config_digest, claims = _digest(id_), repo_digests
        # Podman shows an untagged image's own manifest digest here alone.
        if (own := _digest(read_text(listed, "Digest"))) is not None:
            digests.add(own)
    else:
        config_digest, origins, remembers = _digest(id_), repo_digests, True
    return LocalImage(
        id=id_,
        names=names,
        local_names=local_names,
        platform=_platform(details, children),
        digests=frozenset(digests),
        children=children,
        config_digest=config_digest,
        config=None if inspected is None else ImageConfig.from_inspect(inspected),
        origins=origins,
        claims=claims,
        remembers=remembers,
        size=read_count(listed, "Size"),
    )


def doubt(images: Iterable[LocalImage]) -> tuple[LocalImage, ...]:
    """The same images, less sure of their memory where the classic store is known to lose it.

    Two platforms of one index share its digest, and the store keeps that with the image pulled
    first: the second looks as if it had been built here (`pulled_index_both` of the recordings).
    """
    images = tuple(images)
    taken = {
        (origin.repository, image.platform)
        for image in images
        if image.untagged
        for origin in image.origins
    }

    def robbed(image: LocalImage) -> bool:
        if image.origins or not image.remembers:
            return False
        repositories = {name.repository for name in image.names}
        return any(
            repository in repositories and not platform.same(image.platform)
            for repository, platform in taken
        )

    return tuple(replace(image, remembers=False) if robbed(image) else image for image in images)


def container(listed: Fields, image_name: str) -> Container:
    """A container, from its entry in `GET /containers/json`.

    Args:
        image_name: The name that it was started with, see `renamed`.
    """
    # A linked container is also `/other/alias`; its own name has one slash.
    names = sorted(read_texts(listed, "Names"), key=lambda name: name.count("/"))
    manifest, labels = listed.get("ImageManifestDescriptor"), listed.get("Labels")
    return Container(
        id=read_text(listed, "Id"),
        name=names[0].removeprefix("/") if names else "",
        image_id=full_id(read_text(listed, "ImageID")),
        image=image_name,
        running=read_text(listed, "State") in _RUNNING,
        manifest=_digest(read_text(manifest, "digest")) if isinstance(manifest, dict) else None,
        starter=read_starter(labels if isinstance(labels, dict) else {}),
    )


def renamed(listed: Fields) -> bool:
    """Whether the list hides the name that a container was started with.

    Docker shows the image's ID instead as soon as the name means another image (moby
    `daemon/list.go`); `GET /containers/ID/json` still has it in `Config.Image`.
    """
    name = read_text(listed, "Image")
    return not name or _ID.fullmatch(name) is not None


def image_name(listed: Fields, inspected: Fields | None) -> str:
    """The name that a container was started with; its image's ID where nobody knows it."""
    config = (inspected or {}).get("Config")
    original = read_text(config, "Image") if isinstance(config, dict) else ""
    return original or read_text(listed, "Image")


def read_names(
    texts: Iterable[str], *, podman: bool
) -> tuple[tuple[Reference, ...], tuple[str, ...]]:
    """The names that a registry can hold, and those that none can."""
    names: list[Reference] = []
    local_names: list[str] = []
    for text in dict.fromkeys(texts):
        if "<none>" in text:
            continue
        # Podman gives every short name of its own this host; to docker it is a real one.
        if podman and text.startswith("localhost/"):
            local_names.append(text)
            continue
        try:
            names.append(Reference.parse(text))
        except InvalidReference:
            local_names.append(text)
    return tuple(names), tuple(local_names)


def read_digests(texts: Iterable[str]) -> tuple[Reference, ...]:
    """The `repository@digest` entries of RepoDigests, each once."""
    found: list[Reference] = []
    for text in dict.fromkeys(texts):
        # 28.5 lists an artifact as a bare `sha256:…`, which would read as a tag.
        if "@" not in text or "<none>" in text:
            continue
        try:
            found.append(Reference.parse(text))
        except InvalidReference:
            continue
    return tuple(found)


def read_children(id_: str, manifests: Iterable[Fields]) -> tuple[Descriptor, ...]:
    """The images of an index whose content is here; the index itself is no child of its own."""
    found: list[Descriptor] = []
    for entry in manifests:
        if entry.get("Kind") != "image" or not _is_held(entry):
            continue
        try:
            descriptor = Descriptor.from_json(entry.get("Descriptor"))
        except ContentError:
            continue
        if str(descriptor.digest) != id_:
            found.append(descriptor)
    return tuple(found)


def read_identity(id_: str, identity: object) -> tuple[Reference, ...]:
    """Where the containerd store remembers to have pulled an image from (API 1.53).

    It is kept per content, so a local `docker tag` adds nothing to it, and a push does.
    """
    digest = _digest(id_)
    if not isinstance(identity, dict) or digest is None:
        return ()
    found: list[Reference] = []
    for pull in read_objects(identity, "Pull"):
        try:
            repository = Repository.parse(read_text(pull, "Repository"))
        except InvalidReference:
            continue
        found.append(Reference(repository, digest=digest))
    return tuple(dict.fromkeys(found))


def full_id(text: str) -> str:
    """An ID with its algorithm, which some Podman answers leave out.

    Raises:
        StoreFailure: it is no ID.
    """
    id_ = f"sha256:{text}" if _HEX_ID.fullmatch(text) else text
    if _digest(id_) is None:
        raise StoreFailure("the engine's answer cannot be read", f"`{text[:100]}` is no image ID")
    return id_


def _is_held(manifest: Fields) -> bool:
    """Whether a manifest was pulled, even where a blob of it was left out (moby#53615)."""
    size = manifest.get("Size")
    return manifest.get("Available") is True or (
        isinstance(size, dict) and read_count(size, "Content") > 0
    )


def _platform(details: Fields, children: tuple[Descriptor, ...]) -> Platform:
    told = Platform.from_json(details)
    if not told.known and len(children) == 1 and children[0].platform is not None:
        return children[0].platform
    return told


def _target_digests(id_: str, listed: Fields, details: Fields) -> set[Digest]:
    found = {_digest(id_)}
    for fields in (listed, details):
        if isinstance(descriptor := fields.get("Descriptor"), dict):
            found.add(_digest(read_text(descriptor, "digest")))
    return {digest for digest in found if digest is not None}


def _digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except ContentError:
        return None
