"""Byte ranges: `Range` of downloads (RFC 9110 §14) and `Content-Range` of chunks."""

from __future__ import annotations

import re

from mock_registry.errors import RegistryError

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*([0-9]{0,18})[ \t]*-[ \t]*([0-9]{0,18})[ \t]*", re.I)
_CHUNK = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and length to send, or None for the whole content.

    A header in other units, of several ranges, or malformed asks for the whole, as RFC 9110
    §14.2 allows.

    Raises:
        RegistryError: RANGE_INVALID (416) when the range lies outside, or ends before it starts.
    """
    match = None if header is None else _RANGE.fullmatch(header.strip())
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start = int(first)
        end = min(int(last), size - 1) if last else size - 1
    elif last:
        start, end = max(0, size - int(last)), size - 1
    else:
        return None
    # "500-0" is malformed to RFC 9110; distribution-spec's conformance tests want 416.
    if start > end:
        raise RegistryError("RANGE_INVALID", headers={"Content-Range": f"bytes */{size}"})
    return start, end - start + 1


def parse_chunk(header: str) -> tuple[int, int]:
    """First byte and length of a chunk from its `Content-Range`: ``FIRST-LAST``, no unit.

    Raises:
        RegistryError: BLOB_UPLOAD_INVALID when it has another form.
    """
    match = _CHUNK.fullmatch(header.strip())
    if match is None or int(match[2]) < int(match[1]):
        raise RegistryError("BLOB_UPLOAD_INVALID", "Content-Range is not FIRST-LAST")
    return int(match[1]), int(match[2]) - int(match[1]) + 1
