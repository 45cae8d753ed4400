"""Fields of an engine's JSON, whatever stands in them: another type than expected says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]


def read_text(fields: Fields, name: str) -> str:
    """A text, or an empty one."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def read_count(fields: Fields, name: str) -> int:
    """A positive number, or 0."""
    value = fields.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def read_list(fields: Fields, name: str) -> list[Any]:
    """A list, or an empty one."""
    # API 1.41 says null where later ones say [].
    value = fields.get(name)
    return value if isinstance(value, list) else []


def read_texts(fields: Fields, name: str) -> list[str]:
    """The texts of a list."""
    return [item for item in read_list(fields, name) if isinstance(item, str)]


def read_objects(fields: Fields, name: str) -> list[Fields]:
    """The objects of a list."""
    return [item for item in read_list(fields, name) if isinstance(item, dict)]
