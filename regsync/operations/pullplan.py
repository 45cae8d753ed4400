"""What a pull would do, decided from what is known: pure, so it can be printed and compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regsync.errors import PlatformMissing, Unsupported
from regsync.oci.descriptor import Descriptor
from regsync.oci.digest import Digest
from regsync.oci.manifest import Index, Manifest
from regsync.oci.platform import Platform
from regsync.oci.reference import Reference


@dataclass(frozen=True, slots=True)
class Piece:
    """A small blob whose bytes are known: an index, a manifest or a config.

    Attributes:
        here: Whether the layout holds it already, verified.
    """

    descriptor: Descriptor
    raw: bytes
    here: bool


@dataclass(frozen=True, slots=True)
class PullPlan:
    """Everything that a pull will do.

    Attributes:
        old: What the name stands for in the layout now.
        pieces: Config, manifest and index, in the order in which they are written.
        fetch: The layers to fetch, each once.
        reuse: The layers that are here.
    """

    reference: Reference
    old: Digest | None
    pieces: tuple[Piece, ...]
    fetch: tuple[Descriptor, ...]
    reuse: tuple[Descriptor, ...]

    @property
    def top(self) -> Descriptor:
        """What the name will stand for."""
        return self.pieces[-1].descriptor

    @property
    def nothing_to_do(self) -> bool:
        """Whether the layout holds this very image under this very name."""
        complete = not self.fetch and all(piece.here for piece in self.pieces)
        return complete and self.old == self.top.digest

    @property
    def download_bytes(self) -> int:
        """Bytes of layers and config to fetch; manifests are here by the time of planning."""
        config = self.pieces[0]
        missing = 0 if config.here else config.descriptor.size
        return missing + sum(layer.size for layer in self.fetch)

    @property
    def reused_bytes(self) -> int:
        """Bytes of layers and config that are here."""
        config = self.pieces[0]
        held = config.descriptor.size if config.here else 0
        return held + sum(layer.size for layer in self.reuse)


def plan_pull(
    reference: Reference,
    old: Digest | None,
    pieces: Iterable[Piece],
    layers: Iterable[Descriptor],
    present: set[Digest],
) -> PullPlan:
    """What to do, given what there is. Pure.

    Args:
        old: What the name stands for now.
        pieces: Config, manifest and, where there is one, index.
        layers: The manifest's layers; one that is listed twice is fetched once.
        present: Digests of the layers that the layout holds in full size.
    """
    distinct = {layer.digest: layer for layer in layers}.values()
    return PullPlan(
        reference,
        old,
        tuple(pieces),
        fetch=tuple(layer for layer in distinct if layer.digest not in present),
        reuse=tuple(layer for layer in distinct if layer.digest in present),
    )


def choose(index: Index, platform: Platform, reference: Reference) -> Descriptor:
    """The image of an index for a platform: its own variant, else the best below it.

    A machine runs what was built for its lesser variants (containerd/platforms `platformVector`):
    arm/v7 takes arm/v6 where there is no arm/v7.

    Raises:
        PlatformMissing: nothing fits; says what is on offer.
        Unsupported: the index holds no images.
    """
    images = [entry for entry in index.images if entry.platform is not None and not entry.is_index]
    if not images:
        raise Unsupported(_cannot(reference), "it is an index without images for any platform")
    exact = next((entry for entry in images if _platform(entry).same(platform)), None)
    if exact is not None:
        return exact
    able = [entry for entry in images if runs(_platform(entry), platform)]
    if not able:
        raise platform_missing(reference, platform, [_platform(entry) for entry in images])
    return max(able, key=lambda entry: _platform(entry).effective_variant)


def demand_image(document: Manifest | Index, reference: Reference) -> Manifest:
    """The manifest, if it is an image's.

    Raises:
        Unsupported: an index where a manifest was promised, or an artifact.
    """
    if isinstance(document, Index):
        raise Unsupported(_cannot(reference), "it is an index that leads to another index")
    if not document.is_image:
        kind = document.artifact_type or document.config.media_type
        raise Unsupported(_cannot(reference), f"it is an artifact ({kind[:200]}), not an image")
    return document


def runs(image: Platform, machine: Platform) -> bool:
    """Whether a machine of one platform runs an image of another, by variant alone."""
    if image.same(machine):
        return True
    alike = (image.os, image.architecture) == (machine.os, machine.architecture)
    return alike and image.os != "windows" and image.effective_variant < machine.effective_variant


def _platform(entry: Descriptor) -> Platform:
    return entry.platform or Platform("", "")


def platform_missing(
    reference: Reference, wanted: Platform, offered: Iterable[Platform]
) -> PlatformMissing:
    """The error that names the platforms on offer."""
    names = ", ".join(dict.fromkeys(str(one) for one in offered))
    return PlatformMissing(
        _cannot(reference),
        f"it has nothing for {wanted}; on offer: {names}",
        "choose one of these with `--platform`",
    )


def _cannot(reference: Reference) -> str:
    return f"cannot pull `{reference.familiar}`"
