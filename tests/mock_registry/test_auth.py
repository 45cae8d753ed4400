"""Basic, and Bearer with the token endpoint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from registry_api import Api, Start, code, digest
from wire import FakeClock

from mock_registry import Quirks, User, seed
from mock_registry.tokens import parse_scope
from mock_registry.users import read_users

ANN = User("ann", "pass:word")
BOB = User("bob", "bob's", pull="team/*", push="team/bob/*", delete="")
USERS = (ANN, BOB)


def challenge(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 401
    assert code(answer) == "UNAUTHORIZED"
    scheme, _, rest = answer.headers["WWW-Authenticate"].partition(" ")
    return {"": scheme, **dict(re.findall(r'(\w+)="([^"]*)"', rest))}


def token(api: Api, *scopes: str, user: User | None = None, **more: str) -> str:
    answer = api.get(
        "/token",
        params={"service": "mock-registry", "scope": list(scopes), **more},
        auth=None if user is None else (user.name, user.password),
    )
    assert answer.status_code == 200
    assert answer.json()["token"] == answer.json()["access_token"]
    return str(answer.json()["token"])


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


class TestBasic:
    def test_ping(self, start: Start) -> None:
        api = start(auth="basic", users=USERS)
        assert challenge(api.get("/v2/")) == {"": "Basic", "realm": "mock-registry"}
        assert api.get("/v2/", auth=("ann", "pass:word")).status_code == 200
        assert api.last.user == "ann"
        assert challenge(api.get("/v2/", auth=("ann", "wrong")))
        assert challenge(api.get("/v2/", auth=("eve", "pass:word")))
        assert api.last.user is None

    @pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic YW5u", "Bearer x", "Basic /w=="])
    def test_malformed(self, header: str, start: Start) -> None:
        api = start(auth="basic", users=USERS)
        assert challenge(api.get("/v2/", headers={"Authorization": header}))

    def test_who_may_do_what(self, start: Start) -> None:
        api = start(auth="basic", users=USERS, public="open/*")
        for name in ("team/bob/app", "team/app", "open/app", "own"):
            api.registry.put(name, seed.image(), "1")
        bob = ("bob", "bob's")

        def pull(name: str, auth: Any = None) -> int:
            return api.get(f"/v2/{name}/manifests/1", auth=auth).status_code

        assert [pull(name, bob) for name in ("team/app", "open/app", "own")] == [200, 200, 403]
        assert [pull(name) for name in ("team/app", "open/app", "own")] == [401, 200, 401]
        assert api.post("/v2/team/bob/x/blobs/uploads/", auth=bob).status_code == 202
        assert code(api.post("/v2/team/x/blobs/uploads/", auth=bob)) == "DENIED"
        assert code(api.delete("/v2/team/bob/app/manifests/1", auth=bob)) == "DENIED"
        assert challenge(api.post("/v2/open/app/blobs/uploads/"))
        assert api.get("/v2/_catalog", auth=bob).status_code == 200

    def test_there_is_no_token_endpoint(self, start: Start) -> None:
        assert start(auth="basic", users=USERS).get("/token").status_code == 404


class TestBearer:
    def test_the_challenge(self, start: Start) -> None:
        api = start(users=USERS)
        expected = {"": "Bearer", "realm": f"{api.registry.url}/token", "service": "mock-registry"}
        assert challenge(api.get("/v2/")) == expected
        pull = {**expected, "scope": "repository:app:pull"}
        assert challenge(api.get("/v2/app/manifests/1")) == pull
        assert challenge(api.get(f"/v2/app/blobs/{digest(b'')}")) == pull
        assert challenge(api.get("/v2/app/tags/list")) == pull
        push = {**expected, "scope": "repository:app:pull,push"}
        assert challenge(api.post("/v2/app/blobs/uploads/")) == push
        assert challenge(api.put("/v2/app/manifests/1", content=b"{}")) == push
        delete = {**expected, "scope": "repository:app:delete"}
        assert challenge(api.delete("/v2/app/manifests/1")) == delete
        catalog = {**expected, "scope": "registry:catalog:*"}
        assert challenge(api.get("/v2/_catalog")) == catalog
        mount = {**expected, "scope": "repository:app:pull,push repository:base:pull"}
        answer = api.post(f"/v2/app/blobs/uploads/?mount={digest(b'')}&from=base")
        assert challenge(answer) == mount

    def test_basic_credentials_are_for_the_token_endpoint(self, start: Start) -> None:
        api = start(users=USERS)
        assert challenge(api.get("/v2/", auth=("ann", "pass:word")))[""] == "Bearer"

    def test_a_token_is_good_for_its_scope(self, start: Start) -> None:
        api = start(users=USERS)
        api.registry.put("app", seed.image(), "1")
        value = token(api, "repository:app:pull", user=ANN)
        headers = bearer(value)
        assert api.get("/v2/", headers=headers).status_code == 200
        assert api.get("/v2/app/manifests/1", headers=headers).status_code == 200
        assert (api.last.scheme, api.last.user, api.last.token) == ("bearer", "ann", "t1")
        for method, path in [
            ("POST", "/v2/app/blobs/uploads/"),
            ("GET", "/v2/other/manifests/1"),
            ("DELETE", "/v2/app/manifests/1"),
            ("GET", "/v2/_catalog"),
        ]:
            refused = challenge(api.request(method, path, headers=headers))
            assert refused["error"] == "insufficient_scope"

    def test_several_scopes(self, start: Start) -> None:
        api = start(users=USERS)
        for name in ("one", "two"):
            api.registry.put(name, seed.image(), "1")
        for scopes in (
            ("repository:one:pull", "repository:two:pull"),
            ("repository:one:pull repository:two:pull",),
        ):
            headers = bearer(token(api, *scopes, user=ANN))
            for name in ("one", "two"):
                assert api.get(f"/v2/{name}/manifests/1", headers=headers).status_code == 200

    def test_the_first_scope_only(self, start: Start) -> None:
        api = start(users=USERS, quirks=Quirks(one_scope=True))
        for name in ("one", "two"):
            api.registry.put(name, seed.image(), "1")
        value = token(api, "repository:one:pull", "repository:two:pull", user=ANN)
        assert api.get("/v2/one/manifests/1", headers=bearer(value)).status_code == 200
        assert challenge(api.get("/v2/two/manifests/1", headers=bearer(value)))

    def test_less_than_asked_is_granted_silently(self, start: Start) -> None:
        api = start(users=USERS)
        value = token(api, "repository:team/app:pull,push", user=BOB)
        api.registry.put("team/app", seed.image(), "1")
        assert api.get("/v2/team/app/manifests/1", headers=bearer(value)).status_code == 200
        refused = challenge(api.post("/v2/team/app/blobs/uploads/", headers=bearer(value)))
        assert refused["error"] == "insufficient_scope"

    def test_anonymous(self, start: Start) -> None:
        api = start(users=USERS, public="open/*")
        api.registry.put("open/app", seed.image(), "1")
        value = token(api, "repository:open/app:pull,push")
        assert api.get("/v2/open/app/manifests/1", headers=bearer(value)).status_code == 200
        assert challenge(api.post("/v2/open/app/blobs/uploads/", headers=bearer(value)))
        assert challenge(api.get("/v2/open/app/manifests/1"))

    def test_wrong_passwords(self, start: Start) -> None:
        api = start(users=USERS)
        answer = api.get("/token", auth=("ann", "wrong"))
        assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
        assert api.last.user is None

    def test_expiry(self, start: Start) -> None:
        clock = FakeClock()
        api = start(users=USERS, token_life=60, clock=clock.monotonic)
        api.registry.put("app", seed.image(), "1")
        answer = api.get("/token?scope=repository:app:pull", auth=("ann", "pass:word")).json()
        assert answer["expires_in"] == 60
        assert answer["issued_at"] == "1970-01-01T00:00:00Z"
        headers = bearer(answer["token"])
        clock.elapsed = 59.9
        assert api.get("/v2/app/manifests/1", headers=headers).status_code == 200
        clock.elapsed = 60
        refused = challenge(api.get("/v2/app/manifests/1", headers=headers))
        assert refused["error"] == "invalid_token"
        assert challenge(api.get("/v2/", headers=headers))["error"] == "invalid_token"

    def test_expiry_on_demand(self, start: Start) -> None:
        api = start(users=USERS)
        value = token(api, user=ANN)
        assert api.get("/v2/", headers=bearer(value)).status_code == 200
        api.registry.core.authority.tokens.expire()
        assert challenge(api.get("/v2/", headers=bearer(value)))["error"] == "invalid_token"

    def test_a_token_nobody_issued(self, start: Start) -> None:
        api = start(users=USERS)
        assert challenge(api.get("/v2/", headers=bearer("x")))["error"] == "invalid_token"
        assert api.last.token == "?"

    def test_mounting_without_access_to_the_source(self, start: Start) -> None:
        """The answer is that of a blob which is not there, so that nothing is learnt."""
        api = start(users=USERS)
        name = api.registry.storage.put_blob("secret", b"x")
        headers = bearer(token(api, "repository:team/bob/x:pull,push", user=BOB))
        for source in ("&from=secret", "&from=none", ""):
            path = f"/v2/team/bob/x/blobs/uploads/?mount={name}{source}"
            assert api.post(path, headers=headers).status_code == 202


class TestRefreshTokens:
    def post(self, api: Api, **fields: str) -> httpx.Response:
        form = {"service": "mock-registry", "client_id": "test", **fields}
        return api.post("/token", data=form)

    def test_from_get(self, start: Start) -> None:
        api = start(users=USERS)
        url = "/token?account=ann&client_id=docker&offline_token=true"
        answer = api.get(url, auth=("ann", "pass:word")).json()
        done = self.post(api, grant_type="refresh_token", refresh_token=answer["refresh_token"])
        assert done.status_code == 200
        assert api.get("/v2/", headers=bearer(done.json()["access_token"])).status_code == 200
        assert "refresh_token" not in api.get("/token?offline_token=true").json()
        assert "refresh_token" not in api.get("/token", auth=("ann", "pass:word")).json()

    def test_from_a_password(self, start: Start) -> None:
        api = start(users=USERS)
        api.registry.put("app", seed.image(), "1")
        answer = self.post(
            api,
            grant_type="password",
            username="ann",
            password="pass:word",
            access_type="offline",
            scope="repository:app:pull registry:catalog:*",
        ).json()
        assert answer["scope"] == "repository:app:pull registry:catalog:*"
        headers = bearer(answer["access_token"])
        assert api.get("/v2/app/manifests/1", headers=headers).status_code == 200
        again = self.post(
            api, grant_type="refresh_token", refresh_token=answer["refresh_token"]
        ).json()
        assert again["refresh_token"] == answer["refresh_token"]

    def test_no_secret_is_in_the_log(self, start: Start) -> None:
        api = start(users=USERS)
        self.post(api, grant_type="password", username="ann", password="pass:word")
        api.get("/v2/", headers=bearer("sesame"))
        assert "pass:word" not in repr(api.registry.log.records)
        assert "sesame" not in repr(api.registry.log.records)
        assert ("username", "ann") in api.registry.log.records[0].form

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"grant_type": "password", "username": "ann", "password": "x"}, 401),
            ({"grant_type": "refresh_token", "refresh_token": "x"}, 401),
            ({"grant_type": "refresh_token"}, 401),
            ({"grant_type": "code"}, 400),
            ({}, 400),
            ({"grant_type": "password", "client_id": ""}, 400),
        ],
    )
    def test_refusals(self, fields: dict[str, str], status: int, start: Start) -> None:
        answer = self.post(start(users=USERS), **fields)
        assert answer.status_code == status
        assert code(answer)

    def test_revoked(self, start: Start) -> None:
        api = start(users=USERS)
        value = api.get("/token?offline_token=true", auth=("ann", "pass:word")).json()
        api.registry.core.authority.tokens.revoke()
        answer = self.post(api, grant_type="refresh_token", refresh_token=value["refresh_token"])
        assert answer.status_code == 401

    def test_where_there_is_no_form(self, start: Start) -> None:
        api = start(users=USERS, quirks=Quirks(token_post=False))
        answer = self.post(api, grant_type="password")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repository:a/b:pull", [("repository", "a/b", "pull")]),
        (
            "repository:h:5000/a:pull,push",
            [("repository", "h:5000/a", each) for each in ("pull", "push")],
        ),
        ("repository(plugin):a:pull", [("repository", "a", "pull")]),
        ("registry:catalog:*", [("registry", "catalog", "*")]),
        ("", []),
        ("repository:a", []),
        ("::", []),
        ("repository:a:", []),
    ],
)
def test_scopes(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert parse_scope(text) == expected


def test_passwords_are_not_shown() -> None:
    assert "pass:word" not in repr(ANN)


def test_a_file_of_users(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# who\nann:pass:word\n\nbob:x\n")
    assert read_users(file) == (ANN, User("bob", "x"))
    file.write_text("ann:x\nsecret\n")
    with pytest.raises(ValueError, match=r"^line 2 is not NAME:PASSWORD$"):
        read_users(file)
