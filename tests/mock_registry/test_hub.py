"""Like Docker Hub."""

from __future__ import annotations

from registry_api import Api, Start, code, digest
from wire import FakeClock

from mock_registry import User, seed
from mock_registry.hub import WINDOW

ANN = User("ann", "secret")


def headers(api: Api, name: str, user: User | None = None) -> dict[str, str]:
    answer = api.get(
        f"/token?service=registry.docker.io&scope=repository:{name}:pull",
        auth=None if user is None else (user.name, user.password),
    )
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def limits(answer: object) -> tuple[str, str]:
    found = answer.headers  # type: ignore[attr-defined]
    return found["ratelimit-limit"], found["ratelimit-remaining"]


def test_gets_of_manifests_are_counted_and_nothing_else(start: Start) -> None:
    api = start(hub=3)
    name = api.registry.put("node", seed.image(), "latest")
    auth = headers(api, "library/node")
    for path in ("manifests/latest", f"manifests/{name}"):
        answer = api.head(f"/v2/library/node/{path}", headers=auth)
        assert limits(answer) == ("3;w=21600", "3;w=21600")
        assert answer.headers["docker-ratelimit-source"] == "127.0.0.1"
    answer = api.get("/v2/library/node/manifests/latest", headers=auth)
    assert limits(answer) == ("3;w=21600", "2;w=21600")
    assert api.get("/v2/library/node/manifests/none", headers=auth).status_code == 404
    blob = api.get(f"/v2/library/node/blobs/{seed.image().config.digest}", headers=auth)
    assert blob.status_code == 200
    assert "ratelimit-limit" not in blob.headers
    answer = api.head("/v2/library/node/manifests/latest", headers=auth)
    assert limits(answer) == ("3;w=21600", "2;w=21600")
    assert api.registry.log.counted_gets == 1


def test_when_the_limit_is_spent(start: Start) -> None:
    clock = FakeClock()
    api = start(hub=1, clock=clock.monotonic, token_life=10**6)
    api.registry.put("node", seed.image(), "latest")
    auth = headers(api, "library/node")
    path = "/v2/library/node/manifests/latest"
    assert api.get(path, headers=auth).status_code == 200
    answer = api.get(path, headers=auth)
    assert (answer.status_code, code(answer)) == (429, "TOOMANYREQUESTS")
    assert limits(answer) == ("1;w=21600", "0;w=21600")
    assert api.head(path, headers=auth).status_code == 200
    clock.elapsed = WINDOW
    assert api.get(path, headers=auth).status_code == 200


def test_users_and_addresses_are_counted_apart(start: Start) -> None:
    api = start(hub=5, users=[ANN])
    api.registry.put("node", seed.image(), "latest")
    path = "/v2/library/node/manifests/latest"
    api.get(path, headers=headers(api, "library/node"))
    answer = api.get(path, headers=headers(api, "library/node", ANN))
    assert limits(answer)[1] == "4;w=21600"
    assert answer.headers["docker-ratelimit-source"] == "ann"


def test_pulls_of_others_can_be_played(start: Start) -> None:
    api = start(hub=5)
    api.registry.put("node", seed.image(), "latest")
    assert api.registry.core.hub is not None
    api.registry.core.hub.spend("127.0.0.1", 5)
    auth = headers(api, "library/node")
    assert api.get("/v2/library/node/manifests/latest", headers=auth).status_code == 429


def test_unknown_and_private_are_alike(start: Start) -> None:
    api = start(hub=5, users=[ANN], public="library/*")
    api.registry.put("bob/private", seed.image(), "latest")
    api.registry.put("node", seed.image(), "latest")
    answers = []
    for name in ("bob/private", "bob/nothing"):
        for user in (None, ANN):
            answer = api.get(f"/v2/{name}/manifests/latest", headers=headers(api, name, user))
            assert answer.status_code == 401
            assert "ratelimit-limit" not in answer.headers
            told = answer.headers["WWW-Authenticate"].replace(name, "NAME")
            answers.append((told, answer.content))
    assert len(set(answers)) == 1


def test_a_repository_without_namespace_is_none(start: Start) -> None:
    api = start(hub=5)
    api.registry.put("node", seed.image(), "latest")
    assert api.get("/v2/node/manifests/latest", headers=headers(api, "node")).status_code == 401


def test_what_is_below_one_s_own_name(start: Start) -> None:
    api = start(hub=5, users=[ANN])
    token = api.get(
        "/token",
        params={"scope": ["repository:ann/app:pull,push", "repository:library/node:pull,push"]},
        auth=("ann", "secret"),
    ).json()["token"]
    auth = {"Authorization": f"Bearer {token}"}
    assert api.get("/v2/ann/app/tags/list", headers=auth).status_code == 404
    assert api.post("/v2/ann/app/blobs/uploads/", headers=auth).status_code == 202
    assert api.post("/v2/library/node/blobs/uploads/", headers=auth).status_code == 401


def test_no_rate_limit_elsewhere(api: Api) -> None:
    api.registry.put("node", seed.image(), "latest")
    assert api.registry.storage.names() == ["node"]
    assert "ratelimit-limit" not in api.get("/v2/node/manifests/latest").headers
    assert api.get(f"/v2/node/manifests/{digest(b'')}").status_code == 404


def test_its_own_list_of_tags(start: Start) -> None:
    api = start(hub=3, users=(ANN,), public="library/*")
    both = seed.index([seed.image(), seed.image("linux/arm64")])
    digest_of_both = api.registry.put("node", both, "1", "2", "3")
    api.registry.put("ann/app", seed.image(), "1")
    url = "/v2/namespaces/library/repositories/node/tags"
    first = api.get(url, params={"page_size": "2"})
    assert first.headers["X-RateLimit-Limit"] == "180"
    assert "ratelimit-limit" not in first.headers
    page = first.json()
    assert [tag["name"] for tag in page["results"]] == ["3", "2"]
    assert page["results"][0]["digest"] == digest_of_both
    assert [image["digest"] for image in page["results"][0]["images"]] == [
        each.digest for each in both.images
    ]
    last = api.get(url, params={"page_size": "2", "page": "2"}).json()
    assert ([tag["name"] for tag in last["results"]], last["next"]) == (["1"], None)
    assert page["next"].endswith("page=2&page_size=2")
    for missing in ("library/repositories/none", "ann/repositories/app"):
        assert api.get(f"/v2/namespaces/{missing}/tags").status_code == 404
    assert start().get(url).status_code == 404
