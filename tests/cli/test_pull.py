"""`regsync pull` as a process: what it prints, and what is left when it is stopped or fails."""

from __future__ import annotations

import ctypes
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulls import held, partials

from mock_registry import Fault, MockRegistry, seed

REGSYNC = [sys.executable, "-m", "regsync"]
AMD = "linux/amd64"


def regsync(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*REGSYNC, *arguments], capture_output=True, text=True, check=False, **more
    )


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a test is remembered by whoever runs it."""
    monkeypatch.setenv("REGSYNC_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("REGSYNC_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def pull(registry: MockRegistry, folder: Path, *more: str, **options: Any) -> Any:
    name = f"{registry.host}/team/app:1"
    return regsync("pull", name, "--store", f"oci:{folder}", *more, **options)


def test_what_it_says(mock_registry: MockRegistry, tmp_path: Path) -> None:
    made = seed.image(AMD, ["one", "two"])
    digest = mock_registry.put("team/app", made, "1")
    name = f"{mock_registry.host}/team/app:1"
    first = pull(mock_registry, tmp_path, "--platform", AMD)
    sizes = [len(layer.data) for layer in made.layers]
    total = sum(sizes) + len(made.config.data)
    assert (first.returncode, first.stdout) == (0, f"{name}  {digest}  {total} B\n")
    lines = sorted(
        f"{layer.digest[7:19]}  {size} B  done"
        for layer, size in zip(made.layers, sizes, strict=True)
    )
    assert sorted(first.stderr.splitlines()) == lines
    again = pull(mock_registry, tmp_path, "--platform", AMD)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == f"{name}  {digest}  already up to date\n"


def test_on_a_terminal_the_digest_is_short(mock_registry: MockRegistry, tmp_path: Path) -> None:
    digest = mock_registry.put("team/app", seed.image(AMD, ["one"]), "1")
    leader, follower = pty.openpty()
    command = ["pull", f"{mock_registry.host}/team/app:1", "--store", f"oci:{tmp_path}"]
    done = subprocess.run(
        [*REGSYNC, *command, "--platform", AMD], stdout=follower, stderr=subprocess.PIPE, check=True
    )
    os.close(follower)
    shown = os.read(leader, 4096).decode()
    os.close(leader)
    assert f"/team/app:1  {digest[:19]}  " in shown
    assert digest not in shown
    assert done.stderr


def test_status_knows_later_that_it_came_by_this_tag(
    mock_registry: MockRegistry, tmp_path: Path
) -> None:
    store = f"oci:{tmp_path}"
    name = f"{mock_registry.host}/team/app:1"
    first = mock_registry.put("team/app", seed.image(AMD, ["one"]), "1")
    pull(mock_registry, tmp_path, "--platform", AMD)
    mock_registry.put("team/app", seed.image(AMD, ["two"]), "1")
    # Without this memory the old digest, which is still served, would have to be asked for.
    assert verdicts(store) == {name: ("outdated", "moved", [])}
    pull(mock_registry, tmp_path, "--platform", AMD)
    repository = name.removesuffix(":1")
    assert verdicts(store) == {
        name: ("up_to_date", "exact", []),
        None: ("local_only", "untagged", [f"was {repository}@{first}"]),
    }


def verdicts(store: str) -> dict[str | None, tuple[str, str, list[str]]]:
    told = json.loads(regsync("status", "--store", store, "--format", "json").stdout)
    return {
        image["name"]: (image["verdict"], image["reason"], image["notes"])
        for image in told["data"]["images"]
    }


def test_quiet_prints_the_data_alone(mock_registry: MockRegistry, tmp_path: Path) -> None:
    mock_registry.put("team/app", seed.image(AMD), "1")
    done = pull(mock_registry, tmp_path, "-q", "--platform", AMD)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)


def test_what_was_pulled_is_remembered(mock_registry: MockRegistry, tmp_path: Path) -> None:
    made = [seed.index([seed.image(AMD, [layer])]) for layer in ("old", "new")]
    mock_registry.put("team/app", made[0], "1")
    pull(mock_registry, tmp_path, "--platform", AMD)
    mock_registry.put("team/app", made[1], "1")
    told = regsync("status", "--store", f"oci:{tmp_path}", "--format", "json")
    (image,) = json.loads(told.stdout)["data"]["images"]
    # Without memory nothing would say that the image came by this tag.
    assert (image["verdict"], image["reason"]) == ("outdated", "moved")
    pull(mock_registry, tmp_path, "--platform", AMD)
    told = regsync("status", "--store", f"oci:{tmp_path}", "--format", "json")
    verdicts = {one["verdict"] for one in json.loads(told.stdout)["data"]["images"]}
    assert verdicts == {"up_to_date", "local_only"}


def test_no_memory_is_no_failure(
    mock_registry: MockRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REGSYNC_STATE_DIR", str(tmp_path / "file" / "below"))
    mock_registry.put("team/app", seed.image(AMD), "1")
    done = pull(mock_registry, tmp_path / "layout", "--platform", AMD)
    assert done.returncode == 0
    assert "note: " in done.stderr


def test_a_pipe_is_never_animated(mock_registry: MockRegistry, tmp_path: Path) -> None:
    mock_registry.put("team/app", seed.image(AMD), "1")
    env = os.environ | {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "1", "COLUMNS": "80"}
    done = pull(mock_registry, tmp_path, "--platform", AMD, env=env)
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["node"], "pulls through an engine are not there yet"),
        (["node", "--store", "docker"], "write `--store oci:DIR`"),
        (["node", "--store", "oci:"], "write `--store oci:DIR`"),
        (["Node", "--store", "oci:x"], "must be lower case"),
        (["node", "--store", "oci:x", "--platform", "a/b/c/d"], "OS/ARCHITECTURE"),
    ],
)
def test_misuse(arguments: list[str], why: str, tmp_path: Path) -> None:
    done = regsync("pull", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        ({"path": "/manifests/", "status": 404}, 5),
        ({"path": "/manifests/", "status": 401}, 4),
        ({"path": "/manifests/", "status": 429, "headers": {"Retry-After": "3600"}}, 6),
        ({"path": "/blobs/", "corrupt": True}, 7),
        ({"path": "/blobs/", "status": 400}, 1),
    ],
)
def test_exit_codes(
    spoiled: dict[str, Any], code: int, mock_registry: MockRegistry, tmp_path: Path
) -> None:
    mock_registry.put("team/app", seed.image(AMD), "1")
    mock_registry.faults.add(Fault(times=None, **spoiled))
    done = pull(mock_registry, tmp_path, "--platform", AMD)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.splitlines()[-1:] != []
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def stalled(registry: MockRegistry, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [*REGSYNC, "pull", f"{registry.host}/team/app:1", "--store", f"oci:{folder}"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, "--platform", AMD], **options) as process:
        yield process


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_half_written(
    signum: int, code: int, mock_registry: MockRegistry, tmp_path: Path
) -> None:
    made = seed.image(AMD, ["stays away", "comes"])
    mock_registry.put("team/app", made, "1")
    slow = mock_registry.faults.add(Fault(f"/blobs/{made.layers[0].digest}", stall=10))
    for process in stalled(mock_registry, tmp_path):
        deadline = time.monotonic() + 30
        while not (slow.used and partials(tmp_path)) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signum)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    assert partials(tmp_path) == []
    assert held(tmp_path) == ()


def test_two_processes_at_once(mock_registry: MockRegistry, tmp_path: Path) -> None:
    made = seed.image(AMD, [f"layer {number}" for number in range(6)])
    mock_registry.put("team/app", made, "1", "2")
    command = [*REGSYNC, "pull", "--store", f"oci:{tmp_path}", "-q", "--platform", AMD]
    running = [
        subprocess.Popen([*command, f"{mock_registry.host}/team/app:{tag}"], stdout=subprocess.PIPE)
        for tag in ("1", "2", "1", "2")
    ]
    for process in running:
        process.communicate(timeout=60)
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    (image,) = held(tmp_path)
    assert sorted(str(name.tag) for name in image.names) == ["1", "2"]
    assert partials(tmp_path) == []


def limit_files() -> None:
    """As on a full disk, only that the kernel says so at a size of our choice."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_no_room(mock_registry: MockRegistry, tmp_path: Path) -> None:
    noise = "".join(chr(33 + number * number * 7919 % 90) for number in range(200_000))
    made = seed.image(AMD, [noise], level=0)
    mock_registry.put("team/app", made, "1")
    done = pull(mock_registry, tmp_path, "--platform", AMD, preexec_fn=limit_files)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: cannot write `{tmp_path}`" in done.stderr
    assert "larger than is allowed" in done.stderr
    assert partials(tmp_path) == []
    assert held(tmp_path) == ()


def obey_permissions() -> None:
    """Root writes everywhere, unless it starts without `CAP_DAC_OVERRIDE`."""
    if os.geteuid() == 0:
        drop_from_bounding_set, dac_override = 24, 1
        ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override)


def test_a_folder_that_may_not_be_written(mock_registry: MockRegistry, tmp_path: Path) -> None:
    mock_registry.put("team/app", seed.image(AMD), "1")
    folder = tmp_path / "layout"
    folder.mkdir(mode=0o555)
    done = pull(mock_registry, folder, "--platform", AMD, preexec_fn=obey_permissions)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: cannot write to the layout `{folder}`" in done.stderr
    assert "permission denied" in done.stderr
    assert list(folder.iterdir()) == []


MEASURE = """
import sys
from regsync.__main__ import main
code = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(code, peak.split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_a_layer_of_200_megabytes_takes_no_more_memory_than_one_of_2(
    mock_registry: MockRegistry, tmp_path: Path
) -> None:
    peaks = []
    for tag, megabytes in (("small", 2), ("large", 200)):
        layer = seed.Blob("application/vnd.oci.image.layer.v1.tar", bytes(megabytes * 1_000_000))
        mock_registry.put("team/app", seed.image(AMD, [layer]), tag)
        name, store = f"{mock_registry.host}/team/app:{tag}", f"oci:{tmp_path / tag}"
        command = [sys.executable, "-c", MEASURE, "pull", name, "--store", store, "--platform", AMD]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        code, peak = done.stdout.splitlines()[-1].split()
        assert (code, len(held(tmp_path / tag))) == ("0", 1)
        peaks.append(int(peak))
    assert peaks[1] - peaks[0] < 16 * 1024, peaks
