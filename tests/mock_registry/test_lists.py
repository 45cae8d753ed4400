"""Tags, the catalog and referrers, in pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry_api import Api, Start, code, digest

from mock_registry import Quirks, seed

TAG = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,9}", fullmatch=True)
SBOM, SIGNATURE = "application/vnd.example.sbom", "application/vnd.example.signature"


def put_tags(api: Api, *tags: str) -> None:
    api.registry.put("app", seed.image(), *tags)


def pages(api: Api, path: str, key: str = "tags") -> list[list[Any]]:
    """All pages, following `Link`."""
    found = []
    while path:
        answer = api.get(path)
        assert answer.status_code == 200
        found.append(answer.json()[key])
        match = re.fullmatch(r'<([^>]*)>; rel="next"', answer.headers.get("Link", ""))
        path = match[1] if match else ""
    return found


def test_order_is_lexical(api: Api) -> None:
    put_tags(api, "b", "a", "B", "10", "9", "_")
    assert pages(api, "/v2/app/tags/list") == [["10", "9", "B", "_", "a", "b"]]


def test_tags_of_a_repository_without_any_and_of_none(api: Api) -> None:
    api.push(b"")
    assert api.get("/v2/app/tags/list").json() == {"name": "app", "tags": []}
    answer = api.get("/v2/none/tags/list")
    assert (answer.status_code, code(answer)) == (404, "NAME_UNKNOWN")


def test_null_for_no_tags(start: Start) -> None:
    api = start(quirks=Quirks(null_tags=True))
    api.push(b"")
    assert api.get("/v2/app/tags/list").json()["tags"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?n=2", [["a", "b"], ["c", "d"], ["e"]]),
        ("?n=5", [["a", "b", "c", "d", "e"]]),
        ("?n=9", [["a", "b", "c", "d", "e"]]),
        ("?last=b", [["c", "d", "e"]]),
        ("?last=bb", [["c", "d", "e"]]),
        ("?last=e", [[]]),
        ("?n=2&last=b", [["c", "d"], ["e"]]),
        ("?n=0", [[]]),
    ],
)
def test_pages(query: str, expected: list[list[str]], api: Api) -> None:
    put_tags(api, *"abcde")
    assert pages(api, f"/v2/app/tags/list{query}") == expected


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "", "9" * 40])
def test_a_number_that_is_none(n: str, api: Api) -> None:
    put_tags(api, "a")
    for path in ("app/tags/list", "_catalog"):
        answer = api.get(f"/v2/{path}?n={n}")
        assert (answer.status_code, code(answer)) == (400, "PAGINATION_NUMBER_INVALID")


def test_the_largest_page(start: Start) -> None:
    api = start(quirks=Quirks(page=2))
    put_tags(api, *"abcde")
    assert pages(api, "/v2/app/tags/list?n=100") == [["a", "b"], ["c", "d"], ["e"]]
    assert pages(api, "/v2/app/tags/list") == [["a", "b"], ["c", "d"], ["e"]]


def test_absolute_links(start: Start) -> None:
    api = start(quirks=Quirks(absolute_urls=True))
    put_tags(api, "a", "b")
    link = api.get("/v2/app/tags/list?n=1").headers["Link"]
    assert link == f'<{api.registry.url}/v2/app/tags/list?n=1&last=a>; rel="next"'


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sets(st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,9}", fullmatch=True)), st.integers(1, 9)
)
def test_pages_hold_every_tag_once(api: Api, tags: set[str], n: int) -> None:
    name = seed.put(api.registry, "app", seed.image())
    api.registry.storage.remove_manifest("app", name)
    put_tags(api, *tags)
    found = pages(api, f"/v2/app/tags/list?n={n}")
    assert [tag for page in found for tag in page] == sorted(tags)
    assert all(len(page) <= n for page in found)


def test_catalog(api: Api) -> None:
    for name in ("c/d", "a", "b"):
        api.push(b"", name)
    assert pages(api, "/v2/_catalog", "repositories") == [["a", "b", "c/d"]]
    assert pages(api, "/v2/_catalog?n=2", "repositories") == [["a", "b"], ["c/d"]]


class TestReferrers:
    def test_of_nothing_known(self, api: Api) -> None:
        answer = api.get(f"/v2/app/referrers/{digest(b'')}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/vnd.oci.image.index.v1+json"
        assert answer.json() == {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [],
        }

    def test_descriptors(self, api: Api) -> None:
        image = seed.image()
        sbom = seed.artifact(SBOM, b"[]", subject=image, annotations={"tool": "none"})
        api.registry.put("app", image, "latest")
        api.registry.put("app", sbom)
        api.registry.put("app", seed.artifact(SBOM, subject=seed.image(layers=["other"])))
        found = api.get(f"/v2/app/referrers/{image.digest}").json()["manifests"]
        expected = {**sbom.descriptor, "artifactType": SBOM, "annotations": {"tool": "none"}}
        assert found == [expected]
        assert api.get(f"/v2/other/referrers/{image.digest}").json()["manifests"] == []

    def test_the_artifact_type(self, api: Api) -> None:
        """artifactType, else the config's type; an index has its own or none."""
        subject = seed.image().descriptor
        plain = b'{"schemaVersion":2,"config":{"mediaType":"application/x.config"},"subject":%s}'
        text = plain % str(subject).replace("'", '"').encode()
        own = api.registry.storage.put_manifest("app", text, seed.image().media_type)
        index = seed.index([], subject=subject)
        typed = seed.index([], subject=subject, artifact_type=SBOM)
        for each in (index, typed):
            api.registry.put("app", each)
        answer = api.get(f"/v2/app/referrers/{subject['digest']}")
        types = {one["digest"]: one.get("artifactType") for one in answer.json()["manifests"]}
        assert types == {own: "application/x.config", index.digest: None, typed.digest: SBOM}

    def test_filter(self, api: Api) -> None:
        image = seed.image()
        sbom, signature = (seed.artifact(each, subject=image) for each in (SBOM, SIGNATURE))
        for each in (sbom, signature):
            api.registry.put("app", each)
        path = f"/v2/app/referrers/{image.digest}"
        answer = api.get(path, params={"artifactType": SIGNATURE})
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"
        assert [each["digest"] for each in answer.json()["manifests"]] == [signature.digest]
        assert "OCI-Filters-Applied" not in api.get(path).headers

    def test_pages_keep_the_filter(self, start: Start) -> None:
        api = start(quirks=Quirks(page=2))
        image = seed.image()
        for number in range(5):
            data = str(number).encode()
            api.registry.put("app", seed.artifact(SBOM, data, subject=image))
            api.registry.put("app", seed.artifact(SIGNATURE, data, subject=image))
        path = f"/v2/app/referrers/{image.digest}?artifactType={SBOM}"
        found = pages(api, path, "manifests")
        assert [len(page) for page in found] == [2, 2, 1]
        assert {each["artifactType"] for page in found for each in page} == {SBOM}

    def test_deletion_ends_them(self, api: Api) -> None:
        image = seed.image()
        name = api.registry.put("app", seed.artifact(subject=image))
        api.delete(f"/v2/app/manifests/{name}")
        assert api.get(f"/v2/app/referrers/{image.digest}").json()["manifests"] == []

    def test_where_there_is_no_such_api(self, start: Start) -> None:
        api = start(referrers=False)
        assert api.get(f"/v2/app/referrers/{digest(b'')}").status_code == 404
