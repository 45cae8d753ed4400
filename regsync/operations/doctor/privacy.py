"""What a report that people paste must not hold: secrets, user names, the home's path."""

from __future__ import annotations

import re
from collections.abc import Mapping

from regsync.identity import Credentials
from regsync.redaction import HIDDEN, Redaction

_USERINFO = re.compile(r"(?<=://)[^/\s`@]*@")
# A word behind `Bearer` is one of ours; a token has a digit, or is longer than words are.
_AUTHORIZATION = re.compile(
    r"(?i)\b(Basic|Bearer) +(?=[^\s`]*[0-9]|[^\s`]{24})[A-Za-z0-9._~+/-]{6,}=*"
)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?")
_SHORTEST = 3
"""Characters of a user name that is hidden wherever it stands: shorter ones are parts of speech."""
# User names that say what kind of login it is, and of nobody who: hints are about them.
_ROLES = frozenset(
    {"AWS", "oauth2accesstoken", "_json_key", "_json_key_base64", "<token>"}
    | {"00000000-0000-0000-0000-000000000000"}
)


class Privacy:
    """Takes out of a text what is nobody's business.

    Findings are made of places and reasons, and hold no secret. But servers write what they like,
    and some repeat the header that they refuse; so each text goes through here as well.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        home = (env.get("HOME") or env.get("USERPROFILE") or "").rstrip("/\\")
        self._home = re.compile(rf"{re.escape(home)}(?![\w.-])") if len(home) > 1 else None
        self._redaction = Redaction(everywhere=True)
        self._names: set[str] = set()

    def hide(self, credentials: Credentials) -> None:
        """Take these credentials for a secret, in every form in which they are sent."""
        self._redaction.add(credentials)
        if credentials.username and credentials.username not in _ROLES:
            self._names.add(credentials.username)

    def hide_secret(self, secret: str) -> None:
        """Take a text, e.g. a token, for a secret."""
        self._redaction.add_secret(secret)

    def tidy(self, text: str) -> str:
        """`text` without secrets and user names, with `~` for the home folder."""
        text = self._redaction.hide(text)
        # Before the user names: the folder ends in one.
        text = self._home.sub("~", text) if self._home else text
        for name in sorted(self._names, key=len, reverse=True):
            text = text.replace(f"`{name}`", f"`{HIDDEN}`")
            if len(name) >= _SHORTEST:
                # Servers write them bare.
                text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, text)
        text = _JWT.sub(HIDDEN, text)
        text = _AUTHORIZATION.sub(rf"\1 {HIDDEN}", text)
        return _USERINFO.sub(f"{HIDDEN}@", text)
