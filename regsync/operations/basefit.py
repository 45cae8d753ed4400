"""Which of several images with the same layers something was built on, by what else it inherits.

A build hands down the variables, labels, ports and volumes of its base, and the base's history is
the beginning of its own. Images with equal layers are told apart by that alone; where even that is
the same, any of them may be the base.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regsync.oci.digest import Digest
from regsync.oci.imageconfig import ImageConfig
from regsync.oci.reference import Reference
from regsync.stores.base import LocalImage

Fit = tuple[bool, bool, int]


@dataclass(frozen=True, slots=True)
class Base:
    """What an image was built on.

    Attributes:
        reference: The tag that it came by.
        digest: What that tag held at the build, where a label tells.
        image: The base itself, where it is still here.
        depth: How many of the lowest layers are its own; 0 where a label names it.
        fit: How well it fits among those of the same depth.
    """

    reference: Reference
    digest: Digest | None = None
    image: LocalImage | None = None
    depth: int = 0
    fit: Fit = (False, False, 0)


def fit(config: ImageConfig | None, base: ImageConfig | None) -> Fit:
    """How well an image fits as the base of another; the greater, the better.

    Whether its history begins ours, whether all that it hands down is in ours, and how much of
    that has the same value.
    """
    if config is None or base is None:
        return (False, False, 0)
    theirs = _handed_down(base)
    ours = _handed_down(config)
    begins = bool(base.history) and config.history[: len(base.history)] == base.history
    return (begins, theirs.keys() <= ours.keys(), len(theirs.items() & ours.items()))


def line_of(
    level: Sequence[Base], moved: Sequence[Base], made: Sequence[Base]
) -> tuple[Reference | None, tuple[Reference, ...]]:
    """The image made here that a Dockerfile names in place of the base, and what else it may name.

    Args:
        level: Images with the same layers, the one that fits best first.
        moved: Those whose tag has moved on, in the same order.
        made: Those that were made here.
    """
    best = [base for base in level if base.fit == level[0].fit]
    through = None
    if not any(base in best for base in moved):
        # What was made here and fits better than a moved tag was built on it.
        fitting = [base for base in made if base in best]
        through = next(iter(fitting or (made if not moved else ())), None)
    line = through or next(iter(moved), None)
    others = tuple(base.reference for base in best if base is not line)
    return (through.reference if through is not None else None), others


def _handed_down(config: ImageConfig) -> dict[tuple[str, str], str]:
    settings = config.settings
    found = {("label", name): value for name, value in config.labels.items()}
    for item in _texts(settings.get("Env")):
        name, _, value = item.partition("=")
        found["variable", name] = value
    for field in ("ExposedPorts", "Volumes"):
        keys = settings.get(field)
        found.update({(field, str(key)): "" for key in keys} if isinstance(keys, dict) else {})
    return found


def _texts(value: object) -> Sequence[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
