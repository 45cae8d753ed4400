"""Error bodies of registries (distribution-spec § Error Codes)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

BODY_LIMIT = 64 * 1024
"""Bytes of an error body that are worth reading."""
_TEXT_LIMIT = 1000
_COUNT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class RegistryError:
    """One entry of `{"errors": [{code, message, detail}]}`."""

    code: str
    message: str = ""
    detail: Any = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


def parse(body: bytes) -> tuple[RegistryError, ...]:
    """Read an error body; empty where it is none (HTML from a proxy, nothing, half of it)."""
    try:
        document = json.loads(body[:BODY_LIMIT])
    except (ValueError, RecursionError):
        return ()
    entries = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        return ()
    found = (_entry(entry) for entry in entries[:_COUNT_LIMIT])
    return tuple(error for error in found if error is not None)


def _entry(value: object) -> RegistryError | None:
    if not isinstance(value, dict):
        return None
    code, message = value.get("code"), value.get("message")
    if not isinstance(code, str) or not code:
        return None
    text = message if isinstance(message, str) else ""
    # Nexus and others write codes in lower case; the specification's are upper case.
    return RegistryError(code[:100].upper(), text[:_TEXT_LIMIT], value.get("detail"))
