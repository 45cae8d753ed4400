"""Secrets taken out of texts that somebody else wrote.

A registry is shown a password or a token, and writes its error messages as it likes: some repeat
the header or the form that they refuse. Whatever is made of an answer goes through here before
anybody sees it.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from regsync.identity import Credentials

HIDDEN = "***"
# Shorter ones are parts of words as well: `a` is hidden where it stands alone.
_SHORT = 6
# Texts are cut before they come here: the beginning of a secret is hidden like all of it.
_HEAD = 12


class Redaction:
    """The secrets of one conversation, in every form in which they may be repeated.

    Args:
        everywhere: Whether short ones are hidden inside of words too, which spoils the text.
    """

    def __init__(self, *, everywhere: bool = False) -> None:
        self._short = 0 if everywhere else _SHORT
        self._forms: set[str] = set()

    def add(self, credentials: Credentials) -> None:
        """Take credentials for a secret: what they hold, and what Basic auth makes of it."""
        self.add_secret(credentials.secret)
        for form in _base64(f"{credentials.username}:{credentials.secret}"):
            self._forms.update(_spellings(form))

    def add_secret(self, secret: str) -> None:
        """Take a text, e.g. a bearer token, for a secret."""
        if secret:
            for form in (secret, *_base64(secret)):
                self._forms.update(_spellings(form))

    def hide(self, text: str) -> str:
        """`text` with `***` in place of every secret, and of every beginning of one."""
        # The longest first: one may be a part of another.
        forms = sorted(self._forms, key=lambda form: (-len(form), form))
        for form in forms:
            text = _without(text, form, self._short)
        for form in forms:
            text = _without_beginning(text, form)
        return text


def _without(text: str, form: str, short: int) -> str:
    # Codes of errors are put into upper case, names of hosts into lower case.
    if len(form) < short:
        return re.sub(rf"(?i)(?<![^\W_]){re.escape(form)}(?![^\W_])", HIDDEN, text)
    return re.sub(re.escape(form), HIDDEN, text, flags=re.IGNORECASE)


def _without_beginning(text: str, form: str) -> str:
    if len(form) <= _HEAD:
        return text

    lowered = form.lower()

    def end(match: re.Match[str]) -> int:
        at = match.end()
        while at < len(text) and at - match.start() < len(form):
            if text[at].lower() != lowered[at - match.start()]:
                break
            at += 1
        return at

    found, at = [], 0
    for match in re.finditer(re.escape(form[:_HEAD]), text, re.IGNORECASE):
        if match.start() >= at:
            found += [text[at : match.start()], HIDDEN]
            at = end(match)
    return "".join((*found, text[at:])) if found else text


def _base64(secret: str) -> Iterator[str]:
    data = secret.encode(errors="surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield whole
        yield whole.rstrip("=")
        # Inside of something longer, as in `user:secret`: three ways to lie across the groups.
        for offset, first in enumerate((0, 2, 3)):
            last = -1 if (offset + len(data)) % 3 else None
            part = encode(bytes(offset) + data).decode().rstrip("=")[first:last]
            if len(part) > _SHORT:
                yield part


def _spellings(form: str) -> Iterator[str]:
    """As it is, and as URLs, forms, JSON and HTML have it."""
    yield form
    yield json.dumps(form)[1:-1]
    yield json.dumps(form, ensure_ascii=False)[1:-1]
    yield html.escape(form)
    data = form.encode(errors="surrogatepass")
    yield from (quote(data), quote(data, safe=""), quote_plus(data))
