"""References: docker's grammar and defaults, case by case, then over everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import InvalidReference, RegsyncError
from regsync.oci.digest import Digest
from regsync.oci.reference import Reference, Repository

SHA256 = "sha256:" + "ab" * 32
SHA512 = "sha512:" + "cd" * 64

# From distribution/reference `normalize_test.go` and `reference_test.go`: facts of the grammar.
READ = [
    ("node", "docker.io/library/node:latest"),
    ("node:18", "docker.io/library/node:18"),
    ("docker.io/node", "docker.io/library/node:latest"),
    ("index.docker.io/node", "docker.io/library/node:latest"),
    ("library/node", "docker.io/library/node:latest"),
    ("team/app", "docker.io/team/app:latest"),
    ("index.docker.io/team/app:1", "docker.io/team/app:1"),
    ("localhost/app", "localhost/app:latest"),
    ("localhost:5000/app", "localhost:5000/app:latest"),
    ("127.0.0.1:5000/a/b:2", "127.0.0.1:5000/a/b:2"),
    ("[::1]:5000/app", "[::1]:5000/app:latest"),
    ("[2001:db8::1]/app", "[2001:db8::1]/app:latest"),
    ("quay.io/minio/minio", "quay.io/minio/minio:latest"),
    ("Foo/bar", "Foo/bar:latest"),
    ("HOST.example/app", "HOST.example/app:latest"),
    ("host:5000/app:1.0", "host:5000/app:1.0"),
    ("app_-", None),
    ("a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g:latest"),
    ("a---b", "docker.io/library/a---b:latest"),
    ("localhost", "docker.io/library/localhost:latest"),
    (f"node@{SHA256}", f"docker.io/library/node@{SHA256}"),
    (f"node:18@{SHA256}", f"docker.io/library/node:18@{SHA256}"),
    (f"r.example/a@{SHA512}", f"r.example/a@{SHA512}"),
    ("registry-1.docker.io/library/node", "registry-1.docker.io/library/node:latest"),
    ("a" * 247 + ":t", "docker.io/library/" + "a" * 247 + ":t"),
    ("h.example/" + "a" * 255, "h.example/" + "a" * 255 + ":latest"),
    ("h.example/a:" + "t" * 128, "h.example/a:" + "t" * 128),
    ("h.example/a:_x", "h.example/a:_x"),
    ("", None),
    ("Node", None),
    ("docker.io/Node", None),
    ("team/App", None),
    ("a//b", None),
    ("/a", None),
    ("a/", None),
    ("a:", None),
    ("a:-x", None),
    ("a:.x", None),
    ("a@", None),
    ("a@sha256:abc", None),
    (f"a@{SHA256.upper()}", None),
    ("a@md5:" + "a" * 32, None),
    (f"a@{SHA256}@{SHA256}", None),
    (f"a@{SHA256}:tag", None),
    ("a___b", None),
    ("a..b", None),
    ("-a", None),
    ("a-", None),
    ("a b", None),
    ("a\n", None),
    ("a:t\n", None),
    ("a:\u0661", None),
    ("\u00e9", None),
    ("https://r.example/a", None),
    ("-h.example/a", None),
    ("h_x:80/a", None),
    ("ab" * 32, None),
    ("a" * 248, None),
    ("h.example/" + "a" * 256, None),
    ("h.example/a:" + "t" * 129, None),
    ("[::1/app", None),
    ("h.example:port/a", None),
]


@pytest.mark.parametrize(("text", "meaning"), READ)
def test_reads_as_docker_does(text: str, meaning: str | None) -> None:
    if meaning is None:
        with pytest.raises(InvalidReference):
            Reference.parse(text)
    else:
        assert str(Reference.parse(text)) == meaning


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("docker.io/library/node:18", "node:18"),
        ("docker.io/team/app", "team/app:latest"),
        ("quay.io/a/b:1", "quay.io/a/b:1"),
        ("docker.io/library/a/b:1", "library/a/b:1"),
        ("docker.io/foo.bar/app:1", "docker.io/foo.bar/app:1"),
        ("docker.io/localhost/app:1", "docker.io/localhost/app:1"),
    ],
)
def test_familiar_form(text: str, familiar: str) -> None:
    assert Reference.parse(text).familiar == familiar


def test_digest_decides_over_tag() -> None:
    assert Reference.parse(f"node:18@{SHA256}").target == SHA256
    assert Reference.parse("node:18").target == "18"


def test_bare_keeps_a_missing_tag_missing() -> None:
    assert Reference.parse_bare("node").tag is None


def test_upper_case_suggests_lower_case() -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse("team/App:1")
    assert caught.value.hint == "did you mean `team/app:1`?"


@pytest.mark.parametrize("text", ["node:18", f"node@{SHA256}", "h:5000/a:1"])
def test_repository_takes_neither_tag_nor_digest(text: str) -> None:
    with pytest.raises(InvalidReference):
        Repository.parse(text)


def test_repository_with_port() -> None:
    assert Repository.parse("h:5000/a") == Repository("h:5000", "a")


component = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}", fullmatch=True)
domains = st.one_of(
    st.just("docker.io"),
    st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){1,2}(:[0-9]{1,5})?", fullmatch=True),
    st.just("localhost"),
    st.just("[::1]:5000"),
)
references = st.builds(
    Reference,
    st.builds(Repository, domains, st.lists(component, min_size=2, max_size=4).map("/".join)),
    st.one_of(st.none(), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)),
    st.one_of(st.none(), st.binary(max_size=8).map(Digest.of)),
)


@given(references)
def test_round_trip(reference: Reference) -> None:
    assert Reference.parse_bare(str(reference)) == reference
    assert Reference.parse_bare(reference.familiar) == reference


@given(st.text(alphabet=st.sampled_from("aZ0.:/@-_[]sha256 \n\u00e9"), max_size=40) | st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except RegsyncError:
        return
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar) == reference
