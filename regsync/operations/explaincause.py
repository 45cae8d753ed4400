"""What was changed between two images, from their layers and from what is known of their base.

In the order of worth: equal layers; the labels `org.opencontainers.image.base.*` of both; an image
here that is the base; and, said to be a guess, the position of the first layer that differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regsync.operations.explanation import BaseMove, Cause, What

Layers = Sequence[str]


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known beside the layers.

    Attributes:
        labelled: The base as the labels of both images name it; None unless both do.
        base: The name of an image here whose layers are the lowest ones of ours; or empty.
        depth: How many layers that image has.
        same_revision: Whether both images were built from one revision of the source.
    """

    labelled: BaseMove | None = None
    base: str = ""
    depth: int = 0
    same_revision: bool = False


def cause_of(ours: Layers, theirs: Layers, clues: Clues) -> Cause | None:
    """What was changed; None where the layers of one of them are not known, or do not tell.

    Args:
        ours: Diff IDs of the image here, lowest first.
        theirs: Diff IDs of the other one.
    """
    if not ours or not theirs:
        return None
    if tuple(ours) == tuple(theirs):
        return Cause(What.METADATA, "every layer is the same")
    shared = _shared(ours, theirs)
    labelled = clues.labelled
    if labelled is not None and labelled.old != labelled.new:
        depth = clues.depth or shared
        return Cause(_moved(ours, theirs, depth, clues), "the base labels of both", base=labelled)
    # Labels are inherited: those of a base's own base prove nothing where the lowest layer moved.
    if labelled is not None and shared:
        return Cause(What.APPLICATION, "the base labels of both", base=labelled)
    if clues.base:
        kept = shared >= clues.depth
        what = What.APPLICATION if kept else _moved(ours, theirs, clues.depth, clues)
        # Of several layers above it, some may be those of an image in between, which is not here.
        guess = kept and len(ours) > clues.depth + 1
        source = f"the layers of {clues.base} here"
        return Cause(what, source, guess=guess, base=BaseMove(name=clues.base))
    if shared:
        first = first_difference(ours, theirs)
        if shared >= min(len(ours), len(theirs)) or shared == len(ours) - 1 == len(theirs) - 1:
            return Cause(What.APPLICATION, f"{first}; no base is known", guess=True)
        if ours[-1] == theirs[-1]:
            return Cause(What.BASE, f"{first}, the top ones are the same", guess=True)
        # It may be the base's as well as the application's own.
        return None
    what = _moved(ours, theirs, 0, clues)
    return Cause(what, "the lowest layer differs; no base is known", guess=True)


def first_difference(ours: Layers, theirs: Layers) -> str:
    """From where on they differ: `layer 2 is the first that differs`."""
    return f"layer {_shared(ours, theirs) + 1} is the first that differs"


def _moved(ours: Layers, theirs: Layers, depth: int, clues: Clues) -> What:
    """`base`, unless what lies on the base differs too.

    Args:
        depth: How many of our layers are the base's, as far as it is known.
    """
    own = tuple(ours[depth:])
    if clues.depth:
        same = len(theirs) > len(own) and tuple(theirs[len(theirs) - len(own) :]) == own
    else:
        same = ours[-1] == theirs[-1]
    return What.BASE if same or clues.same_revision else What.BOTH


def _shared(ours: Layers, theirs: Layers) -> int:
    """How many layers are the same, from the lowest on."""
    pairs = zip(ours, theirs, strict=False)
    return next(
        (at for at, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs))
    )
