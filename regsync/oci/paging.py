"""`Link` headers of paged answers (RFC 8288, distribution-spec § Listing Tags)."""

from __future__ import annotations

import re
from collections.abc import Iterable

HEADER_LIMIT = 16 * 1024
_TARGET = re.compile(r"[ \t,]*<([^<>]*)>")
_ATTRIBUTE = re.compile(
    r'[ \t]*;[ \t]*([^=;,"\s]*)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;,]*)))?'
)


def next_link(headers: Iterable[str]) -> str | None:
    """The target with `rel="next"` as the server wrote it, relative or absolute.

    Whether it may be followed is for the origin policy to say: the server chose it.
    """
    for header in headers:
        text, at = header[:HEADER_LIMIT], 0
        while match := _TARGET.match(text, at):
            target, at = match.group(1), match.end()
            relations: list[str] = []
            while attribute := _ATTRIBUTE.match(text, at):
                at = attribute.end()
                if attribute.group(1).lower() == "rel":
                    relations = (attribute.group(2) or attribute.group(3) or "").lower().split()
            if "next" in relations and target:
                return target
    return None
