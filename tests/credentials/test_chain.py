"""Who answers for a host, and what a broken source does."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.credentials import chain
from regsync.credentials.answers import Broken
from regsync.credentials.authfile import AuthFile
from regsync.credentials.keys import Key
from regsync.errors import CredentialsBroken

SECRET = "canary-5e1d"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".docker").mkdir()
    return tmp_path


def write(home: Path, document: Any) -> dict[str, str]:
    text = document if isinstance(document, str) else json.dumps(document)
    (home / ".docker" / "config.json").write_text(text)
    return {"HOME": str(home)}


@pytest.mark.parametrize(
    ("registry", "key"),
    [
        ("docker.io", "https://index.docker.io/v1/"),
        ("docker.io", "docker.io"),
        ("docker.io", "index.docker.io"),
        ("docker.io", "https://registry-1.docker.io"),
        ("r.example", "r.example"),
        ("r.example", "https://r.example"),
        ("r.example", "https://r.example/v1/"),
        ("r.example:5000", "r.example:5000"),
    ],
)
def test_keys_of_auths(home: Path, registry: str, key: str) -> None:
    env = write(home, {"auths": {"other.example": {}, key: {"auth": encoded(f"u:{SECRET}:x")}}})
    found = chain.find(registry, env)
    assert found is not None
    assert (found.username, found.secret) == ("u", f"{SECRET}:x")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"auths": {}},
        {"auths": {"other.example": {"auth": encoded("u:p")}}},
        {"auths": {"r.example": {}}, "credsStore": ""},
        {"auths": {"r.example:5000": {"auth": encoded("u:p")}}},
        {"auths": {"r.example.evil": {"auth": encoded("u:p")}}},
        "",
    ],
)
def test_anonymous(home: Path, document: Any) -> None:
    assert chain.find("r.example", write(home, document)) is None


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        '{"auths": []}',
        {"auths": {"r.example": {"auth": "%%"}}},
        {"auths": {"r.example": {"auth": encoded("no colon")}}},
        {"auths": {"r.example": {"auth": encoded(":p")}}},
        {"auths": {"r.example": {"auth": encoded("u:")}}},
        {"auths": {"r.example": {"auth": 7}}},
        "[" * 100_000,
    ],
)
def test_broken_stops(home: Path, document: Any) -> None:
    with pytest.raises(CredentialsBroken):
        chain.find("r.example", write(home, document))


@pytest.mark.parametrize("field", ["identitytoken", "registrytoken"])
@pytest.mark.parametrize("auth", [None, encoded("00000000-0000-0000-0000-000000000000:")])
def test_a_token_in_place_of_a_password(home: Path, field: str, auth: str | None) -> None:
    """As `az acr login` leaves it; sent as an empty password it would be a refused login."""
    env = write(home, {"auths": {"r.example": {field: SECRET} | ({"auth": auth} if auth else {})}})
    found = chain.find("r.example", env)
    assert found is not None
    assert (found.kind.replace("_", ""), found.secret) == (field, SECRET)
    assert SECRET not in repr(found)


def test_a_token_beside_a_password_is_no_harm(home: Path) -> None:
    entry = {"auth": encoded(f"u:{SECRET}"), "identitytoken": "t"}
    found = chain.find("r.example", write(home, {"auths": {"r.example": entry}}))
    assert found is not None
    assert found.secret == SECRET


def test_a_folder_in_place_of_the_file_is_broken(home: Path) -> None:
    (home / ".docker" / "config.json").mkdir()
    with pytest.raises(CredentialsBroken):
        chain.find("r.example", {"HOME": str(home)})


def test_no_home_is_anonymous() -> None:
    assert chain.find("r.example", {}) is None


def test_environment_comes_first(home: Path) -> None:
    env = write(home, {"auths": {"r.example:5000": {"auth": encoded("file:p")}}})
    env |= {"REGSYNC_R_EXAMPLE_5000_USERNAME": "env", "REGSYNC_R_EXAMPLE_5000_PASSWORD": SECRET}
    found = chain.find("r.example:5000", env)
    assert found is not None
    assert found.username == "env"
    assert SECRET not in repr(found)


@pytest.mark.parametrize("field", ["USERNAME", "PASSWORD"])
def test_half_an_environment_stops(field: str) -> None:
    with pytest.raises(CredentialsBroken) as caught:
        chain.find("r.example", {f"REGSYNC_R_EXAMPLE_{field}": SECRET})
    assert SECRET not in str(caught.value)


@given(
    st.binary()
    | st.builds(lambda text: json.dumps({"auths": {"h": {"auth": text}}}).encode(), st.text())
)
def test_any_file_is_read_or_broken(data: bytes) -> None:
    with contextlib.suppress(Broken):
        AuthFile.parse(data, "config.json").find(Key("h"))


@pytest.mark.parametrize("field", ["USERNAME", "PASSWORD"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p\udce4ss", "is not UTF-8"),
        ("p\r\nX: y", "control character"),
        ("p\0", "control character"),
        ("p" * (16 * 1024 + 1), "longer than 16384"),
    ],
)
def test_what_no_request_can_carry_is_refused(
    home: Path, field: str, text: str, words: str
) -> None:
    user, secret = (text, "p") if field == "USERNAME" else ("u", text)
    sources = [{"REGSYNC_R_EXAMPLE_USERNAME": user, "REGSYNC_R_EXAMPLE_PASSWORD": secret}]
    if "\0" not in text:
        sources.append(
            write(home, {"auths": {"r.example": {"username": user, "password": secret}}})
        )
    for env in sources:
        with pytest.raises(CredentialsBroken) as caught:
            chain.find("r.example", env)
        assert words in caught.value.why
        assert caught.value.hint
        assert text not in str(caught.value)
