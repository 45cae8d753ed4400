"""Text for a terminal: what a registry chose cannot move the cursor or colour the screen."""

from __future__ import annotations

import sys
import unicodedata

from regsync.errors import RegsyncError

_TEXT_LIMIT = 1000
# Controls, formats (bidi, zero-width), surrogates, private use, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def safe(text: str) -> str:
    """`text` with everything invisible or directing written out, e.g. `\\x1b`; cut when long."""
    cut = text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _HIDDEN
        else char
        for char in cut
    )


def show_error(error: RegsyncError) -> None:
    """Print what, why and how on stderr."""
    lines = [f"error: {safe(error.what)}"]
    if error.why:
        lines.append(f"  {safe(error.why)}")
    if error.hint:
        lines.append(f"hint: {safe(error.hint)}")
    print("\n".join(lines), file=sys.stderr)
