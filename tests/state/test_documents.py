"""The cache of documents: what comes out fits its digest, whatever lies on the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.oci.digest import Digest
from regsync.state.documents import SIZE_LIMIT, Documents

DATA = b'{"schemaVersion":2}'
DIGEST = Digest.of(DATA)


def path_of(folder: Path, digest: Digest = DIGEST) -> Path:
    return folder / "documents" / digest.algorithm / digest.encoded[:2] / digest.encoded


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    documents = Documents(tmp_path)
    documents.put(DIGEST, DATA)
    return documents


@given(st.binary(), st.sampled_from(["sha256", "sha512"]))
def test_round_trip(data: bytes, algorithm: str) -> None:
    digest = Digest.of(data, algorithm)
    with tempfile.TemporaryDirectory() as name:
        documents = Documents(Path(name))
        assert documents.get(digest) is None
        documents.put(digest, data)
        assert Documents(Path(name)).get(digest) == data
        assert documents.note is None


def test_only_this_user_may_look(tmp_path: Path) -> None:
    Documents(tmp_path / "regsync").put(DIGEST, DATA)
    assert (tmp_path / "regsync").stat().st_mode & 0o777 == 0o700
    assert path_of(tmp_path / "regsync").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("wrong", [b"", DATA[:-1], DATA + b" ", b"x" * (SIZE_LIMIT + 1)])
def test_a_wrong_document_is_deleted(documents: Documents, tmp_path: Path, wrong: bytes) -> None:
    path_of(tmp_path).write_bytes(wrong)
    assert documents.get(DIGEST) is None
    assert not path_of(tmp_path).exists()
    documents.put(DIGEST, DATA)
    assert documents.get(DIGEST) == DATA


def test_links_are_not_followed(documents: Documents, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(DATA)
    path_of(tmp_path).unlink()
    path_of(tmp_path).symlink_to(other)
    assert documents.get(DIGEST) is None
    assert not path_of(tmp_path).is_symlink()
    path_of(tmp_path).symlink_to(other)
    documents.put(DIGEST, DATA)
    assert not path_of(tmp_path).is_symlink()
    assert other.read_bytes() == DATA


def test_a_pipe_does_not_hang(documents: Documents, tmp_path: Path) -> None:
    path_of(tmp_path).unlink()
    os.mkfifo(path_of(tmp_path))
    assert documents.get(DIGEST) is None
    assert documents.note is None


def test_large_documents_are_not_kept(tmp_path: Path) -> None:
    documents = Documents(tmp_path)
    for size, kept in ((SIZE_LIMIT, True), (SIZE_LIMIT + 1, False)):
        data = bytes(size)
        documents.put(Digest.of(data), data)
        assert path_of(tmp_path, Digest.of(data)).exists() is kept
        assert (documents.get(Digest.of(data)) == data) is kept
    assert documents.note is None


def test_no_folder() -> None:
    documents = Documents(None)
    documents.put(DIGEST, DATA)
    assert documents.get(DIGEST) is None
    assert documents.note is not None
    assert "REGSYNC_CACHE_DIR" in documents.note


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "regsync").write_text("mine")
    documents = Documents(tmp_path / "regsync")
    assert documents.get(DIGEST) is None
    documents.put(DIGEST, DATA)
    documents.put(DIGEST, DATA)
    assert documents.note is not None
    assert (tmp_path / "regsync").read_text() == "mine"


def test_a_document_that_does_not_fit_the_disk_leaves_nothing(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from regsync.oci.digest import Digest
from regsync.state.documents import Documents
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
documents = Documents(Path(sys.argv[1]))
small, large = bytes(100), bytes(2000)
documents.put(Digest.of(small), small)
documents.put(Digest.of(large), large)
print(documents.get(Digest.of(small)) == small, documents.get(Digest.of(large)), documents.note)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("True None manifests are not kept in `")
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [Digest.of(bytes(100)).encoded]


def test_deleted_under_way(documents: Documents, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "documents")
    assert documents.get(DIGEST) is None
    documents.put(DIGEST, DATA)
    assert documents.get(DIGEST) == DATA
    assert documents.note is None


def test_several_runs_at_once(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from regsync.oci.digest import Digest
from regsync.state.documents import Documents
documents = Documents(Path(sys.argv[1]))
texts = [b"%d" % number * 10_000 for number in range(40)]
print("ready", flush=True)
sys.stdin.readline()
for data in texts:
    documents.put(Digest.of(data), data)
    assert documents.get(Digest.of(data)) == data
print(documents.note)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [
        subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in processes] == ["None\n"] * 3
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 40
