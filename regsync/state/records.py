"""Rows of memory as values, and back; the file may hold what somebody else wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from regsync.state.database import Nonsense
from regsync.state.values import Known, Sync

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def store_key(store: str) -> str:
    # The path of a layout may hold bytes that are no UTF-8, which SQLite does not take as text.
    return store.encode("utf-8", "backslashreplace").decode()


def micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(micros: Any) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except (TypeError, OverflowError) as error:
        raise Nonsense(f"`{micros}` is no time") from error


def sync_of(row: tuple[Any, ...]) -> Sync:
    store, reference, image_id, digest, child, config, by, at = row
    _demand_texts(store, reference, image_id, digest, child, config, by)
    return Sync(store, reference, image_id, digest, child, config, by, moment_of(at))


def _demand_texts(*values: Any) -> None:
    """Refuse bytes, which SQLite keeps in columns of text too."""
    if any(isinstance(value, bytes) for value in values):
        raise Nonsense("bytes where a text belongs")


def verdict_row(known: Known) -> tuple[str | int | None, ...]:
    return (
        store_key(known.store),
        known.reference,
        known.image_id,
        known.verdict,
        known.reason,
        known.stale,
        micros(known.at),
        known.built_here,
    )


def known_of(row: tuple[Any, ...]) -> Known:
    store, reference, image_id, verdict, reason, stale, at, built_here = row
    _demand_texts(store, reference, image_id, verdict, reason)
    decided = None if stale is None else bool(stale)
    return Known(
        store, reference, image_id, verdict, reason, decided, moment_of(at), bool(built_here)
    )
