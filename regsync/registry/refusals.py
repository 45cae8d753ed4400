"""What to say where a registry refuses: as whom it was asked, and what may help."""

from __future__ import annotations

from regsync.errors import LoginFailed
from regsync.identity import Credentials, variable
from regsync.oci import errorcode
from regsync.oci.scope import Scope
from regsync.registry.failures import Refusal
from regsync.registry.hosts import Endpoint
from regsync.registry.origin import Origin


def refusal(
    scope: Scope,
    endpoint: Endpoint,
    found: Credentials | None,
    *,
    scheme: str | None,
    foreign_realm: Origin | None,
) -> Refusal:
    """What to say where the registry refuses `scope`.

    Args:
        found: Who is logged in; None for nobody.
        scheme: What the registry asked for, `basic` or `bearer`.
        foreign_realm: The token server, where it may not see the credentials.
    """
    names = [variable(endpoint.registry, field) for field in ("USERNAME", "PASSWORD")]
    if found is None:
        return Refusal(
            f"the registry wants credentials for `{scope}`; none were found for this host",
            f"if it exists and is private, set {names[0]} and {names[1]}",
            f"with credentials it may allow more: set {names[0]} and {names[1]}",
        )
    who = f"{found.who} ({found.source})"
    wants = f"the registry wants credentials for `{scope}`; those of {who} were not sent, since"
    if not endpoint.sends_credentials:
        return Refusal(
            f"{wants} the endpoint {endpoint.origin} is another host",
            "if it may have them, set endpoint_auth = true for this host in regsync.toml",
        )
    if found.kind != "password" and scheme == "basic":
        return Refusal(
            f"{wants} it takes passwords alone, and this is {_article(found)}",
            f"set {names[0]} and {names[1]}",
        )
    if found.kind == "registry_token":
        # It goes to the registry itself, and no token server has seen it.
        return Refusal(
            f"{who} is not allowed `{scope}`, or the registry token has expired",
            "log in again: such tokens are short-lived",
            login=found.source,
        )
    if foreign_realm is not None:
        return Refusal(
            f"{wants} its token server {foreign_realm} is another host",
            f"if you trust {foreign_realm.host} with this login: set it in regsync.toml: "
            f'[registry."{endpoint.registry}"] token_server = "{foreign_realm}"',
        )
    return Refusal(
        f"{who} is not allowed `{scope}`",
        "check the name, and what this user may",
        login=found.source,
    )


def login_failed(
    what: str, status: int, credentials: Credentials, body: bytes = b""
) -> LoginFailed:
    """The credentials themselves were refused, by a token server or at the registry's door.

    Args:
        body: Of the answer; what it says besides is told (ECR: that the token has expired).
    """
    hint = f"the credentials come from {credentials.source}" if credentials.source else None
    if credentials.kind == "identity_token":
        whose = f" of {credentials.who}" if credentials.username else ""
        if status in (404, 405):
            return LoginFailed(
                what,
                f"{status}: its token server takes no identity tokens{whose}",
                "log in with a user name and a password or access token",
            )
        return LoginFailed(what, f"{status}: the identity token{whose} was refused", hint)
    told = "".join(f": {error.message}" for error in errorcode.parse(body)[:1] if error.message)
    why = f"{status}: the credentials of {credentials.who} were refused{told}"
    return LoginFailed(what, why, hint)


def _article(found: Credentials) -> str:
    name = found.kind.replace("_", " ")
    return f"an {name}" if name[0] == "i" else f"a {name}"
