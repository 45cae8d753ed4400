"""What a store has of an image already, and so what a pull of it would transfer.

Each kind of store recognises content in another way, and so fetches other bytes for one image
(watched on Docker 28.5 and Podman 5.8, `tests/real/test_explain.py`):

- Docker's classic store keeps a layer if it came by this very blob and lies on the same layers;
  above the first that is missing, everything is fetched.
- Docker's containerd store skips the lowest layers that are unpacked, whatever blob they came by;
  above the first that is missing, it fetches the blobs that it does not hold.
- Podman and an OCI layout keep every blob that they hold, wherever it lies in the stack.

The config is always fetched. By which blob a layer came stands in the manifest that it came with;
where that is not at hand, a layer that is unpacked here counts as come by the same blob.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from regsync.oci.digest import Digest
from regsync.oci.imageconfig import chain_ids
from regsync.oci.manifest import Index, Manifest
from regsync.operations import questions
from regsync.operations.questions import Inquiry
from regsync.stores.base import LocalImage

CLASSIC, CONTAINERD, PODMAN = "classic", "containerd", "containers-storage"
_WITNESSES = 16
"""Images to ask by which blob a layer came: hundreds may share the layer of one base."""

Blobs = Mapping[str, frozenset[Digest]]
"""The blobs that a layer is known to have come by, under its diff ID."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a store has unpacked.

    Attributes:
        kind: The store's, as in `StoreInfo`.
        chains: The ChainIDs of all its images.
        by_layer: The images that have a layer, under its diff ID.
    """

    kind: str = ""
    chains: frozenset[str] = frozenset()
    by_layer: Mapping[str, tuple[LocalImage, ...]] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, kind: str, images: Iterable[LocalImage]) -> Holdings:
        """What these images of a store amount to."""
        chains: set[str] = set()
        by_layer: dict[str, list[LocalImage]] = {}
        for image in images:
            layers = image.config.diff_ids if image.config is not None else ()
            chains.update(chain_ids(layers))
            for layer in dict.fromkeys(layers):
                by_layer.setdefault(layer, []).append(image)
        return cls(kind, frozenset(chains), {name: tuple(all_) for name, all_ in by_layer.items()})

    def having(self, image: LocalImage) -> Holdings:
        """The same, with an image whose config was not known before."""
        more = Holdings.of(self.kind, [image])
        by_layer = dict(self.by_layer)
        for layer, found in more.by_layer.items():
            by_layer[layer] = (*found, *by_layer.get(layer, ()))
        return replace(self, chains=self.chains | more.chains, by_layer=by_layer)


def kept(
    holdings: Holdings, manifest: Manifest, diff_ids: Sequence[str], blobs: Blobs
) -> tuple[bool, ...]:
    """For each layer of a remote image, lowest first, whether a pull would leave it out.

    Args:
        diff_ids: The layers of the image's config.
        blobs: What is known of the blobs that layers here came by, see `known_blobs`.
    """
    layers = manifest.layers
    # Without one diff ID for each layer the config does not describe this manifest.
    if len(diff_ids) != len(layers):
        return (False,) * len(layers)
    held = [
        layer.digest in blobs[diff_id] if blobs.get(diff_id) else diff_id in holdings.by_layer
        for layer, diff_id in zip(layers, diff_ids, strict=True)
    ]
    if holdings.kind not in (CLASSIC, CONTAINERD):
        return tuple(held)
    unpacked = [chain in holdings.chains for chain in chain_ids(diff_ids)]
    if holdings.kind == CLASSIC:
        lowest = [there and came for there, came in zip(unpacked, held, strict=True)]
        depth = _depth(lowest)
        return (True,) * depth + (False,) * (len(layers) - depth)
    depth = _depth(unpacked)
    return (True,) * depth + tuple(held[depth:])


def download_bytes(manifest: Manifest, left_out: Sequence[bool]) -> int:
    """Bytes of config and layers that a pull transfers, each blob counted once; no manifests."""
    fetched = {manifest.config.digest: manifest.config.size}
    for layer, skipped in zip(manifest.layers, left_out, strict=True):
        if not skipped:
            fetched[layer.digest] = layer.size
    return sum(fetched.values())


def known_blobs(
    holdings: Holdings, diff_ids: Iterable[str], also: Mapping[str, Sequence[Digest]] | None = None
) -> Inquiry[Blobs]:
    """The blobs that some layers here came by, as far as manifests at hand tell; no request.

    Args:
        diff_ids: The layers that matter.
        also: More digests of images, under their IDs: e.g. what one was pushed as, which Podman
            forgets.
    """
    found: dict[str, set[Digest]] = {}
    asked: set[str] = set()
    for diff_id in diff_ids:
        for image in holdings.by_layer.get(diff_id, ())[:_WITNESSES]:
            if image.id in asked:
                continue
            asked.add(image.id)
            own = [*image.digests, *(child.digest for child in image.children)]
            for digest in sorted({*own, *(also or {}).get(image.id, ())}):
                manifest = yield from _image_manifest(image, digest)
                layers = image.config.diff_ids if image.config is not None else ()
                if manifest is None or len(manifest.layers) != len(layers):
                    continue
                if image.config_digest not in (None, manifest.config.digest):
                    continue
                for layer, blob in zip(layers, manifest.layers, strict=True):
                    found.setdefault(layer, set()).add(blob.digest)
    return {layer: frozenset(digests) for layer, digests in found.items()}


def _image_manifest(image: LocalImage, digest: Digest) -> Inquiry[Manifest | None]:
    document = yield from questions.at_hand(digest)
    if isinstance(document, Index):
        child = document.select(image.platform)
        document = (yield from questions.at_hand(child.digest)) if child is not None else None
    return document if isinstance(document, Manifest) else None


def _depth(lowest: Sequence[bool]) -> int:
    """How many layers from the lowest are there without a gap."""
    return next((at for at, there in enumerate(lowest) if not there), len(lowest))
