"""The token endpoint: distribution's "Token Authentication" (GET) and "OAuth2" (POST)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from mock_registry.errors import RegistryError
from mock_registry.exchange import Call, Reply, json_reply
from mock_registry.quirks import TOKEN_FIELDS, Quirks
from mock_registry.users import User, Users

if TYPE_CHECKING:
    from mock_registry.recording import Record

Grant = tuple[str, str, str]
"""Type, name and one action, such as ``("repository", "team/api", "pull")``."""

FORM_LIMIT = 64 * 1024
_SECRET_FIELDS = ("password", "refresh_token")


@dataclass(frozen=True)
class Token:
    """What a bearer may do.

    Attributes:
        id: How the request log calls it: ``t1`` is the first one issued.
        until: Seconds since the epoch.
    """

    id: str
    user: str | None
    grants: frozenset[Grant]
    until: float


def parse_scope(text: str) -> list[Grant]:
    """The grants a scope ``type:name:action,action`` asks for; none when it is malformed.

    A name may hold colons of its own (``host:5000/app``).
    """
    kind, _, rest = text.partition(":")
    name, _, actions = rest.rpartition(":")
    if not (kind and name and actions):
        return []
    # `repository(plugin)` names a class of repositories, which changes nothing here.
    kind = kind.partition("(")[0]
    return [(kind, name, action) for action in actions.split(",") if action]


class TokenEndpoint:
    """Issues tokens and knows them again.

    Args:
        allowed: Decides about one grant for a user, or for nobody.
        clock: Seconds since the epoch.
        life: Seconds that a token is good for.
        quirks: What is asked for and answered in another way.
        exists: Whether there is a repository of that name.
    """

    def __init__(
        self,
        users: Users,
        allowed: Callable[[User | None, Grant], bool],
        clock: Callable[[], float],
        *,
        life: int,
        quirks: Quirks,
        exists: Callable[[str], bool],
    ) -> None:
        self._users = users
        self._allowed = allowed
        self._clock = clock
        self._life = life
        self._quirks = quirks
        self._exists = exists
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, str] = {}

    def find(self, value: str) -> Token | None:
        """The token of that value, also when it has expired."""
        return self._tokens.get(value)

    def fresh(self, token: Token) -> bool:
        """Whether a token has not expired."""
        return self._clock() < token.until

    def expire(self) -> None:
        """End all tokens now; refresh tokens stay."""
        self._tokens = {
            value: Token(each.id, each.user, each.grants, 0.0)
            for value, each in self._tokens.items()
        }

    def revoke(self) -> None:
        """Forget all refresh tokens."""
        self._refresh.clear()

    async def answer(self, call: Call, record: Record) -> Reply:
        """Answer one request.

        Raises:
            RegistryError: UNAUTHORIZED or DENIED for wrong credentials and, by quirk, for a scope
                that is not granted; UNSUPPORTED for other methods and for a form that asks for
                something else.
        """
        if call.method in ("GET", "HEAD"):
            return self._get(call, record)
        if call.method == "POST" and self._quirks.token_post:
            return await self._post(call, record)
        allow = "GET, HEAD, POST" if self._quirks.token_post else "GET, HEAD"
        raise RegistryError("UNSUPPORTED", headers={"Allow": allow})

    def _get(self, call: Call, record: Record) -> Reply:
        header = call.headers.get("Authorization")
        user = None
        if header is not None:
            user = self._users.basic(header)
            if user is None:
                raise wrong_password(self._quirks) or RegistryError(
                    "UNAUTHORIZED", "incorrect username or password"
                )
        record.user = None if user is None else user.name
        scopes = [scope for each in call.params("scope") for scope in each.split(" ")]
        self._refuse(user, scopes)
        document = self._issue(user, scopes)
        # Clients look for the one or the other: Docker's own wanted `token` first.
        document["token"] = document["access_token"]
        for name in ("scope", *(set(TOKEN_FIELDS) - set(self._quirks.token_fields))):
            del document[name]
        if user is not None and call.param("offline_token") == "true":
            document["refresh_token"] = self._new_refresh(user)
        return _uncached(document)

    async def _post(self, call: Call, record: Record) -> Reply:
        body = await call.read(FORM_LIMIT, "UNSUPPORTED")
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        record.form = [(key, value) for key, value in form if key not in _SECRET_FIELDS]
        fields = dict(form)
        for needed in ("grant_type", "service", "client_id"):
            if not fields.get(needed):
                raise RegistryError("UNSUPPORTED", f"{needed} is missing", status=400)
        refresh = fields.get("refresh_token", "")
        if fields["grant_type"] == "password":
            user = self._users.login(fields.get("username", ""), fields.get("password", ""))
        elif fields["grant_type"] == "refresh_token":
            user = self._users.get(self._refresh.get(refresh))
        else:
            raise RegistryError("UNSUPPORTED", "unknown grant_type", status=400)
        if user is None:
            raise RegistryError("UNAUTHORIZED", "incorrect username, password or refresh token")
        record.user = user.name
        document = self._issue(user, fields.get("scope", "").split(" "))
        if fields["grant_type"] == "refresh_token":
            document["refresh_token"] = refresh
        elif fields.get("access_type") == "offline":
            document["refresh_token"] = self._new_refresh(user)
        return _uncached(document)

    def _refuse(self, user: User | None, scopes: Iterable[str]) -> None:
        """Refuse here what most registries grant less for, where the quirks say so."""
        quirks = self._quirks
        for asked in map(parse_scope, scopes):
            status = 200
            if not all(self._allowed(user, grant) for grant in asked):
                status = quirks.token_private
            # Who asks to push is about to make it.
            pulls = all(action == "pull" for _, _, action in asked)
            if pulls and any(not self._exists(name) for _, name, _ in asked):
                status = quirks.token_missing
            if status != 200:
                code = "UNAUTHORIZED" if status == 401 else "DENIED"
                raise RegistryError(code, status=status).saying(quirks.token_body)

    def _issue(self, user: User | None, scopes: Iterable[str]) -> dict[str, object]:
        now = self._clock()
        asked = [parse_scope(scope) for scope in scopes if scope]
        if self._quirks.one_scope:
            asked = asked[:1]
        wanted = dict.fromkeys(grant for grants in asked for grant in grants)
        # A smaller grant than asked is no error: the client learns it from the registry's 401.
        grants = [grant for grant in wanted if self._allowed(user, grant)]
        value = secrets.token_urlsafe(24)
        name = None if user is None else user.name
        token = Token(f"t{len(self._tokens) + 1}", name, frozenset(grants), now + self._life)
        self._tokens[value] = token
        return {
            "access_token": value,
            "scope": " ".join(f"{kind}:{name}:{action}" for kind, name, action in grants),
            "expires_in": self._life,
            "issued_at": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _new_refresh(self, user: User) -> str:
        value = secrets.token_urlsafe(24)
        self._refresh[value] = user.name
        return value


def wrong_password(quirks: Quirks) -> RegistryError | None:
    """How Basic credentials that are wrong are refused, where that is not by a challenge."""
    if quirks.wrong_password == 401:
        return None
    text = quirks.wrong_password_text or None
    return RegistryError("DENIED", text, status=quirks.wrong_password)


def _uncached(document: object) -> Reply:
    reply = json_reply(document)
    reply.headers["Cache-Control"] = "no-store"
    return reply
