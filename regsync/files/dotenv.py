"""`.env` beside a compose file: values for its variables (compose-spec `env_file` format)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from regsync.files.variables import NotKnown, expand

# What may be long is cut by hand: patterns that end in blanks try each run of them from every side.
_KEY = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]")
_COMMENT = re.compile(r"\s#")


def parse(text: str, env: Mapping[str, str]) -> dict[str, str]:
    """The values of a `.env` file under those that are given, which go first.

    A line that is none, or whose value cannot be filled in, sets nothing.
    """
    values = dict(env)
    for line in text.removeprefix("\ufeff").splitlines():
        line = line.strip()
        found = _KEY.match(line)
        if found is None or found[1] in env:
            continue
        value = _value(line[found.end() :].lstrip(), values)
        if value is not None:
            values[found[1]] = value
    return values


def _value(text: str, values: Mapping[str, str]) -> str | None:
    quote = text[:1]
    if quote in ("'", '"'):
        end = text.find(quote, 1)
        if end < 0:
            return None
        text = text[1:end]
        if quote == "'":
            return text
    elif text.startswith("#"):
        return ""
    else:
        text = _COMMENT.split(text, maxsplit=1)[0].rstrip()
    try:
        return expand(text, values)
    except NotKnown:
        return None
