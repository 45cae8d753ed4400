"""What the modes of mock_registry say on the wire, to a client that expects nothing."""

from __future__ import annotations

import gzip
import hashlib
import re
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from registry_api import Start, code, digest
from wire import FakeClock

from mock_registry import Limit, MockRegistry, Quirks, User, seed
from mock_registry.modes import MODES

ANN = User("ann", "secret")
BOTH = seed.index([seed.image("linux/amd64"), seed.image("linux/arm64")])
PAGE = Path(__file__).parents[2] / "docs/reference/mock-registry.md"


DEFAULTS = vars(Quirks())


def test_every_mode_is_documented_with_its_sources() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("## Real registries")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", table, re.MULTILINE))
    assert list(rows) == sorted(MODES)
    for name, row in rows.items():
        quirks = vars(MODES[name].quirks)
        changed = {field for field, value in quirks.items() if value != DEFAULTS[field]}
        told = set(re.findall(r"`(\w+)`", row)) & DEFAULTS.keys()
        assert told == changed, name
        assert re.search(r"\w/[\w.-]+#\d+|\w/[\w.-]+:\w|docs\.docker\.com", row), name


def test_no_such_mode() -> None:
    with pytest.raises(ValueError, match="no mode 'ghrc'; there are acr, "):
        MockRegistry(mode="ghrc")


@pytest.mark.parametrize(
    ("mode", "ping", "repository"),
    [
        (
            "ghcr",
            ['Bearer realm="{url}/token",service="ghcr.io",scope="repository:user/image:pull"'],
            ['Bearer realm="{url}/token",service="ghcr.io",scope="repository:app:pull"'],
        ),
        ("gar", ['Bearer realm="{url}/v2/token"'], ['Bearer realm="{url}/v2/token"']),
        (
            "gitea",
            [
                'Bearer realm="{url}/v2/token",service="container_registry",scope="*"',
                'Basic realm="{url}/v2",service="container_registry",scope="*"',
            ],
            None,
        ),
        (
            "forgejo",
            [
                'Bearer realm="{url}/v2/token",service="container_registry",scope="*",'
                'Basic realm="{url}/v2",service="container_registry",scope="*"'
            ],
            None,
        ),
        ("nexus", ['BASIC realm="Sonatype Nexus Repository Manager"'], None),
        ("ecr", ['Basic realm="{url}/",service="ecr.amazonaws.com"'], None),
    ],
)
def test_challenges(start: Start, mode: str, ping: list[str], repository: list[str] | None) -> None:
    api = start(mode=mode, users=[ANN], public="")
    for path, expected in (("/v2/", ping), ("/v2/app/manifests/1", repository or ping)):
        answer = api.get(path)
        assert answer.status_code == 401
        told = answer.headers.get_list("WWW-Authenticate")
        assert told == [each.replace("{url}", api.registry.url) for each in expected]


def test_bodies_that_are_no_json(start: Start) -> None:
    quay, ecr = start(mode="quay", public=""), start(mode="ecr")
    assert (quay.get("/v2/").text, quay.get("/v2/").headers["Content-Type"][:9]) == (
        "true",
        "text/html",
    )
    assert code(quay.get("/v2/app/manifests/1")) == "UNAUTHORIZED"
    assert ecr.get("/v2/app/manifests/1").text == "Not Authorized\n"


@pytest.mark.parametrize(
    ("mode", "private", "missing"),
    [("ghcr", 401, 403), ("gar", 403, 403), ("gcr", 403, 403), ("redhat", 401, 200)],
)
def test_tokens_that_are_refused(start: Start, mode: str, private: int, missing: int) -> None:
    api = start(mode=mode, users=[ANN], public="open")
    for name in ("open", "closed"):
        api.registry.put(name, BOTH, "1")

    def ask(name: str, **more: tuple[str, str]) -> int:
        query = f"?service=s&scope=repository:{name}:pull"
        return api.get(f"{MODES[mode].quirks.realm}{query}", **more).status_code

    assert [ask("open"), ask("closed"), ask("none")] == [200, private, missing]
    assert ask("closed", auth=("ann", "secret")) == 200
    assert ask("closed", auth=("ann", "wrong")) == 401
    push = "?service=s&scope=repository:none:pull,push"
    answer = api.get(f"{MODES[mode].quirks.realm}{push}", auth=("ann", "secret"))
    assert answer.status_code == 200


def test_what_a_token_answer_holds(start: Start) -> None:
    fields = {}
    for mode in ("acr", "gitea", "quay", "harbor"):
        answer = start(mode=mode).get(f"{MODES[mode].quirks.realm}?scope=repository:a:push")
        fields[mode] = set(answer.json())
    assert fields == {
        "acr": {"access_token"},
        "gitea": {"token"},
        "quay": {"token"},
        "harbor": {"token", "access_token", "expires_in", "issued_at"},
    }


def test_a_user_who_may_not(start: Start) -> None:
    for mode, status, challenge in [
        ("ghcr", 403, None),
        ("gitea", 401, 'Basic realm="Gitea Package API"'),
    ]:
        api = start(mode=mode, users=[User("ann", "secret", pull="own")], public="")
        api.registry.put("app", BOTH, "1")
        asked = f"{MODES[mode].quirks.realm}?scope=repository:own:push"
        token = api.get(asked, auth=("ann", "secret")).json()["token"]
        answer = api.get("/v2/app/manifests/1", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (status, challenge)


def test_what_is_told_of_a_manifest(start: Start) -> None:
    told = {}
    for mode in ("artifactory", "ecr", "ghcr", "redhat"):
        api = start(mode=mode, auth="none")
        api.registry.put("app", BOTH, "1")
        for method in ("GET", "HEAD"):
            headers = {"Accept": BOTH.media_type}
            answer = api.request(method, "/v2/app/manifests/1", headers=headers)
            found = [answer.headers.get(name) for name in ("Docker-Content-Digest", "ETag")]
            told[mode, method] = tuple(found)
    quoted = f'"{BOTH.digest}"'
    sha1 = f'"{hashlib.sha1(BOTH.manifest).hexdigest()}"'
    assert told == {
        ("artifactory", "GET"): (None, sha1),
        ("artifactory", "HEAD"): (None, sha1),
        ("ecr", "GET"): (None, quoted),
        ("ecr", "HEAD"): (BOTH.digest, quoted),
        ("ghcr", "GET"): (BOTH.digest, quoted),
        ("ghcr", "HEAD"): (BOTH.digest, quoted),
        ("redhat", "GET"): (None, None),
        ("redhat", "HEAD"): (None, None),
    }


def test_compressed_unless_asked_not_to(start: Start) -> None:
    api = start(mode="redhat", auth="none")
    api.registry.put("app", BOTH, "1")
    accept = {"Accept": BOTH.media_type}
    with api.stream("GET", "/v2/app/manifests/1", headers=accept) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(raw) == BOTH.manifest
    answer = api.get("/v2/app/manifests/1", headers=accept | {"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.content == BOTH.manifest


@pytest.mark.parametrize(
    ("mode", "accept", "schema", "of"),
    [
        ("docker-hub", "*/*", 2, BOTH.images[0].digest),
        ("docker-hub", BOTH.media_type, 2, BOTH.digest),
        ("quay", "*/*", 1, None),
        ("quay", BOTH.images[0].media_type, 2, BOTH.images[0].digest),
        ("quay", BOTH.media_type, 2, BOTH.digest),
    ],
)
def test_who_does_not_ask_for_an_index(
    start: Start, mode: str, accept: str, schema: int, of: str | None
) -> None:
    api = start(mode=mode, auth="none")
    api.registry.put("team/app", BOTH, "1")
    answer = api.get("/v2/team/app/manifests/1", headers={"Accept": accept})
    assert answer.json()["schemaVersion"] == schema
    assert answer.headers["Docker-Content-Digest"] == (of or digest(answer.content))
    by_digest = api.get(f"/v2/team/app/manifests/{BOTH.digest}", headers={"Accept": accept})
    assert by_digest.content == BOTH.manifest


def test_lists(start: Start) -> None:
    made = ("b", "c", "a")
    expected = {
        "nexus": [None, "a", "b", "c"],
        "ghcr": ["b", "c", "a"],
        "quay": ["b", "c", "a"],
        "harbor": ["a", "b", "c"],
        "artifactory": ["a", "b", "c", *sorted(image.digest for image in BOTH.images)],
    }
    for mode, tags in expected.items():
        api = start(mode=mode, auth="none")
        api.registry.put("team/app", BOTH, *made)
        assert api.get("/v2/team/app/tags/list").json()["tags"] == tags
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    api = start(mode="artifactory", auth="none")
    assert api.get("/v2/team/app/tags/list", headers=accept).status_code == 406
    api = start(mode="ecr", auth="none")
    assert api.get("/v2/team/app/tags/list?n=1001").status_code == 405
    assert api.get("/v2/team/app/tags/list?n=1000").status_code == 404


def test_googles_list(start: Start) -> None:
    api = start(mode="gar", auth="none")
    api.registry.put("team/app", BOTH, "b", "a")
    document = api.get("/v2/team/app/tags/list?n=1").json()
    assert (document["tags"], document["child"]) == (["a", "b"], [])
    assert document["manifest"].keys() == {BOTH.digest, *(image.digest for image in BOTH.images)}
    told = document["manifest"][BOTH.images[0].digest]
    image = BOTH.images[0]
    assert isinstance(image, seed.Image)
    size = len(image.config.data) + sum(len(layer.data) for layer in image.layers)
    assert told == {
        "imageSizeBytes": str(size),
        "layerId": "",
        "mediaType": image.media_type,
        "tag": [],
        "timeCreatedMs": "1767225600000",
        "timeUploadedMs": "1767225600000",
    }
    assert sorted(document["manifest"][BOTH.digest]["tag"]) == ["a", "b"]


def test_catalogs(start: Start) -> None:
    for mode, status, names in [("harbor", 200, ["app"]), ("gar", 200, []), ("ghcr", 404, None)]:
        api = start(mode=mode, auth="none")
        api.registry.put("app", BOTH, "1")
        answer = api.get("/v2/_catalog")
        assert (answer.status_code, answer.json().get("repositories")) == (status, names)


def test_missing_in_harbors_words(start: Start) -> None:
    api = start(mode="harbor", auth="none")
    api.registry.put("app", BOTH, "1")
    for path in ("/v2/none/manifests/1", "/v2/app/manifests/2", "/v2/none/tags/list"):
        answer = api.get(path)
        assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")


def test_throttled(start: Start) -> None:
    clock = FakeClock()
    limit = Limit({"Retry-After": "{date}", "X-Retry-After": "{unix}"}, wait=90)
    api = start(quirks=Quirks(limit=limit), clock=lambda: clock.now().timestamp())
    api.registry.put("app", BOTH, "1")
    fault = api.registry.throttle(times=2)
    answer = api.get("/v2/app/manifests/1")
    assert (answer.status_code, code(answer)) == (429, "TOOMANYREQUESTS")
    end = clock.now().timestamp() + 90
    assert parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() == end
    assert answer.headers["X-Retry-After"] == str(int(end))
    assert api.get("/v2/").status_code == 200
    assert [api.get("/v2/app/tags/list").status_code for _ in "ab"] == [429, 200]
    assert fault.used == 2


def test_sent_on(start: Start) -> None:
    api = start(mode="lscr")
    api.registry.put("app", BOTH, "1")
    answer = api.get("/v2/app/manifests/1?x=%2F")
    there = answer.headers["Location"]
    assert (answer.status_code, there.partition("/v2")[2]) == (307, "/app/manifests/1?x=%2F")
    assert there.partition("/v2")[0] != api.registry.url
    assert api.get(there).status_code == 401


def test_open_without_users_and_a_password_with_them(start: Start) -> None:
    assert start(mode="distribution-3").get("/v2/").status_code == 200
    api = start(mode="distribution-3", users=[ANN])
    assert api.get("/v2/").headers["WWW-Authenticate"] == 'Basic realm="Registry Realm"'
    assert api.get("/v2/", auth=("ann", "secret")).status_code == 200
