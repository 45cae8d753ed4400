"""Layouts that regsync wrote, read by skopeo; layouts that skopeo wrote, read by regsync."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pulls import held, named, pulled

from mock_registry import MockRegistry, seed

pytestmark = pytest.mark.real

AMD, ARM = "linux/amd64", "linux/arm64"
Skopeo = Callable[..., str]


@pytest.fixture
def skopeo(tmp_path: Path) -> Skopeo:
    program = shutil.which("skopeo")
    if program is None:
        pytest.skip("skopeo is not installed")

    def run(*arguments: str) -> str:
        command = [program, "--tmpdir", str(tmp_path), "--insecure-policy", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_skopeo_reads_a_single_image(
    skopeo: Skopeo, mock_registry: MockRegistry, tmp_path: Path
) -> None:
    # Docker's media types are kept as they came, and skopeo (1.9) looks past them in a layout.
    made = seed.image(AMD, ["one", "two"], labels={"a": "b"})
    mock_registry.put("team/app", made, "1")
    pulled(mock_registry, tmp_path / "layout", "team/app:1")
    told = json.loads(skopeo("inspect", f"oci:{tmp_path}/layout:1"))
    assert (told["Digest"], told["Labels"]) == (made.digest, {"a": "b"})
    assert told["Layers"] == [layer.digest for layer in made.layers]
    archive = tmp_path / "app.tar"
    skopeo("copy", f"oci:{tmp_path}/layout:1", f"docker-archive:{archive}:team/app:1")
    with tarfile.open(archive) as tar:
        assert "manifest.json" in tar.getnames()


def test_skopeo_chooses_from_a_sparse_index(
    skopeo: Skopeo, mock_registry: MockRegistry, tmp_path: Path
) -> None:
    amd, arm = seed.image(AMD, ["amd"]), seed.image(ARM, ["arm"])
    mock_registry.put("team/app", seed.index([amd, arm], attestations=True), "1")
    pulled(mock_registry, tmp_path / "layout", "team/app:1", platform=ARM)
    choice = ["--override-os", "linux", "--override-arch", "arm64"]
    told = json.loads(skopeo(*choice, "inspect", f"oci:{tmp_path}/layout:1"))
    assert (told["Architecture"], told["Layers"]) == ("arm64", [arm.layers[0].digest])
    archive = tmp_path / "app.tar"
    skopeo(*choice, "copy", f"oci:{tmp_path}/layout:1", f"docker-archive:{archive}:team/app:1")
    assert archive.exists()


def test_what_skopeo_wrote_is_listed(
    skopeo: Skopeo, mock_registry: MockRegistry, tmp_path: Path
) -> None:
    made = seed.image(AMD, ["one"])
    mock_registry.put("team/app", made, "1")
    source = f"docker://{mock_registry.host}/team/app:1"
    skopeo("copy", "--src-tls-verify=false", source, f"oci:{tmp_path}/layout:mine")
    (image,) = held(tmp_path / "layout")
    # skopeo knows a tag and no full name: it says nothing of where it came from.
    assert (image.names, image.local_names) == ((), ("mine",))
    assert (image.id, image.fault) == (made.digest, None)
    assert str(image.platform) == AMD


def test_both_write_into_one_layout(
    skopeo: Skopeo, mock_registry: MockRegistry, tmp_path: Path
) -> None:
    mock_registry.put("team/app", seed.image(AMD, ["one"]), "1")
    mock_registry.put("team/other", seed.image(AMD, ["two"]), "2")
    layout = tmp_path / "layout"
    source = f"docker://{mock_registry.host}/team/other:2"
    skopeo("copy", "--src-tls-verify=false", source, f"oci:{layout}:mine")
    pulled(mock_registry, layout, "team/app:1")
    skopeo("copy", "--src-tls-verify=false", source, f"oci:{layout}:again")
    names = {(image.names, image.local_names) for image in held(layout)}
    assert ((named(mock_registry, "team/app:1"),), ()) in names
    assert {name for _, local in names for name in local} == {"mine", "again"}
