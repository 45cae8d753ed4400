"""An explanation as JSON tells it: `images[].explain` of `docs/reference/json.md`."""

from __future__ import annotations

from regsync.cli.envelope import moment, text
from regsync.operations.explanation import Cause, Explanation, PlatformMove, Side, Told
from regsync.operations.verdict import Layers


def explain_data(explanation: Explanation | None) -> dict[str, object] | None:
    """What differs between two images; None where nothing was explained."""
    if explanation is None:
        return None
    return {
        "ours": _side(explanation.ours),
        "theirs": _side(explanation.theirs),
        "cause": _cause(explanation.cause),
        "changes": [
            {"setting": one.setting, "name": one.name, "old": one.old, "new": one.new}
            for one in explanation.changes
        ],
        "layers": layers_data(explanation.layers),
        "download_bytes": explanation.download_bytes,
        "platforms": _platforms(explanation.platforms),
        "compare_url": explanation.compare_url or None,
        "names_source": explanation.names_source or None,
        "seen_at": moment(explanation.seen_at),
        "notes": list(explanation.notes),
    }


def _side(side: Side) -> dict[str, object]:
    return {
        "digest": text(side.digest),
        "platform_digest": text(side.platform_digest),
        "created": side.created or None,
        "reproducible": side.reproducible,
        "pushed_at": moment(side.pushed_at),
        "version": _told(side.version),
        "revision": _told(side.revision),
        "tags": None if side.tags is None else list(side.tags),
    }


def _told(told: Told | None) -> dict[str, object] | None:
    return None if told is None else {"value": told.value, "source": told.source}


def _cause(cause: Cause | None) -> dict[str, object] | None:
    if cause is None:
        return None
    base = cause.base
    return {
        "kind": cause.what.value,
        "source": cause.source,
        "guess": cause.guess,
        "base": None
        if base is None
        else {"name": base.name or None, "old": base.old or None, "new": base.new or None},
    }


def _platforms(moves: tuple[PlatformMove, ...] | None) -> list[dict[str, object]] | None:
    if moves is None:
        return None
    return [
        {
            "platform": str(one.platform),
            "change": one.what,
            "old": text(one.old),
            "new": text(one.new),
        }
        for one in moves
    ]


def layers_data(layers: Layers | None) -> dict[str, object] | None:
    """Layers of what a tag holds, and how many of them are here."""
    return None if layers is None else {"total": layers.total, "shared": layers.shared}
