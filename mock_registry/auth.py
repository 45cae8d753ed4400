"""Who is asking, and whether the registry lets them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from mock_registry.errors import RegistryError
from mock_registry.exchange import Call
from mock_registry.quirks import Quirks
from mock_registry.tokens import Grant, TokenEndpoint, wrong_password
from mock_registry.users import User, Users

if TYPE_CHECKING:
    from mock_registry.recording import Record

Scheme = Literal["none", "basic", "bearer"]
BASIC = 'Basic realm="{service}"'
BEARER = 'Bearer realm="{realm}",service="{service}"{scope}{error}'
CATALOG: Grant = ("registry", "catalog", "*")


@dataclass(frozen=True)
class Caller:
    """The identity behind one request.

    Attributes:
        user: Whose credentials or token these are; None for anonymous.
        known: Whether valid credentials or a valid token came with the request.
        problem: The `error` of the next challenge, when the token cannot be used at all.
        may: Whether one grant is allowed.
    """

    user: str | None
    known: bool
    problem: str | None
    may: Callable[[Grant], bool]

    def may_pull(self, repository: str) -> bool:
        """Whether the content of a repository may be read."""
        return self.may(("repository", repository, "pull"))


class Authority:
    """Checks requests under one of the schemes.

    Args:
        scheme: ``none`` lets everybody do everything.
        public: Pattern of repositories that anybody may pull; `*` also matches `/`.
        exists: Whether a repository exists, on a registry that hides which ones do.
        owned: Whether users without a pattern own what is below their name, and nothing else.
        quirks: How challenges and refusals look.
        endpoint: Makes the token endpoint, given what it may grant.
    """

    def __init__(
        self,
        scheme: Scheme,
        users: Users,
        *,
        public: str = "",
        exists: Callable[[str], bool] | None = None,
        owned: bool = False,
        quirks: Quirks,
        endpoint: Callable[[Callable[[User | None, Grant], bool]], TokenEndpoint],
    ) -> None:
        self.scheme: Scheme = scheme
        self.tokens = endpoint(self._allowed)
        self._users = users
        self._public = public
        self._exists = exists
        self._owned = owned
        self._quirks = quirks

    def identify(self, call: Call, record: Record) -> Caller:
        """Who sends this request; what was found out is noted in the record.

        Raises:
            RegistryError: UNAUTHORIZED or DENIED when Basic credentials are wrong.
        """
        header = call.headers.get("Authorization")
        if header is not None:
            kind = header.partition(" ")[0].lower()
            record.scheme = kind if kind in ("basic", "bearer") else None
        if self.scheme == "none":
            return Caller(None, True, None, lambda grant: True)
        if self.scheme == "basic":
            return self._basic(call, header, record)
        return self._bearer(header, record)

    def _basic(self, call: Call, header: str | None, record: Record) -> Caller:
        user = None if header is None else self._users.basic(header)
        if header is not None and user is None:
            raise wrong_password(self._quirks) or self.challenge(call)
        record.user = None if user is None else user.name
        return Caller(record.user, user is not None, None, lambda grant: self._allowed(user, grant))

    def _bearer(self, header: str | None, record: Record) -> Caller:
        kind, _, value = (header or "").partition(" ")
        if header is None or kind.lower() != "bearer":
            return Caller(None, False, None, lambda grant: False)
        token = self.tokens.find(value.strip())
        record.token = "?" if token is None else token.id
        if token is None or not self.tokens.fresh(token):
            return Caller(None, False, "invalid_token", lambda grant: False)
        record.user = token.user
        return Caller(token.user, True, None, lambda grant: grant in token.grants)

    def require(self, call: Call, caller: Caller, *wanted: Grant, hint: str = "") -> None:
        """Let the caller through when everything wanted is allowed.

        Args:
            hint: Further scope to name in the challenge.

        Raises:
            RegistryError: UNAUTHORIZED with a challenge, or DENIED for a user who is known by
                Basic credentials and would only be asked for the same again.
        """
        allowed = all(caller.may(grant) for grant in wanted)
        # Without anything wanted (a ping) it is the identity itself that counts.
        open_door = self._quirks.open_door and not wanted
        if allowed and caller.problem is None and (caller.known or wanted or open_door):
            return
        if self.scheme == "basic" and caller.user is not None:
            raise RegistryError("DENIED")
        if caller.known and self._quirks.denied != 401:
            raise RegistryError("DENIED", status=self._quirks.denied)
        error = caller.problem or ("insufficient_scope" if caller.known else None)
        scope = " ".join(filter(None, [*_scopes(wanted), hint]))
        formats = (self._quirks.denied_challenge,) if caller.known else ()
        raise self.challenge(call, scope or self._quirks.ping_scope, error, formats)

    def challenge(
        self, call: Call, scope: str = "", error: str | None = None, formats: Sequence[str] = ()
    ) -> RegistryError:
        """The 401 that tells how to get in."""
        chosen = [each for each in formats if each] or self._quirks.challenges or [self._format()]
        values = {
            "url": call.base_url,
            "realm": call.realm,
            "service": self._quirks.service,
            "scope": f',scope="{scope}"' if scope else "",
            "error": f',error="{error}"' if error else "",
        }
        headers = {"WWW-Authenticate": "\n".join(each.format(**values) for each in chosen)}
        return RegistryError("UNAUTHORIZED", headers=headers).saying(self._quirks.refusal_body)

    def _format(self) -> str:
        return BASIC if self.scheme == "basic" else BEARER

    def is_public(self, name: str) -> bool:
        """Whether anybody may pull from a repository."""
        return fnmatchcase(name, self._public)

    def _allowed(self, user: User | None, grant: Grant) -> bool:
        kind, name, action = grant
        if grant == CATALOG:
            return user is not None
        if kind != "repository":
            return False
        own = f"{user.name}/*" if self._owned and user is not None else "*"
        if user is not None and user.may(name, action, own):
            return True
        readable = action == "pull" and self.is_public(name)
        return readable and (self._exists is None or self._exists(name))


def _scopes(grants: tuple[Grant, ...]) -> list[str]:
    scopes: dict[tuple[str, str], list[str]] = {}
    for kind, name, action in grants:
        scopes.setdefault((kind, name), []).append(action)
    return [f"{kind}:{name}:{','.join(actions)}" for (kind, name), actions in scopes.items()]
