"""100 references at 50 ms round trip, against `xargs -P8 -n1 crane digest` over the same list."""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from mock_registry.seed import Image
from tests.benchmarks import scene
from tests.benchmarks.measure import clean_environment, in_turns, output_of, show, verdict

TARGET = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="references (100)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds an answer (0.05)")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each (7)")
    parser.add_argument(
        "--auth", choices=["none", "bearer"], default="none", help="bearer: anonymous tokens"
    )
    chosen = parser.parse_args()
    options = ["--latency", str(chosen.latency)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if chosen.auth == "bearer":
            (folder / "users").write_text("somebody:else\n")
            options += ["--auth", "bearer", "--users", str(folder / "users"), "--public", "*"]
        content = scene.images(chosen.count)
        scene.fill_registry(folder / "registry", content)
        with scene.serving(folder / "registry", *options) as host:
            scene.write_layout(folder / "layout", host, content)
            return compare(folder, host, content, chosen.rounds)


def compare(folder: Path, host: str, content: Mapping[str, Image], rounds: int) -> int:
    (folder / "home").mkdir()
    env = clean_environment(folder / "home")
    names = "".join(f"{host}/{repository}:1.0\n" for repository in content)
    expected = sorted(image.digest for image in content.values())

    def resolve() -> None:
        command = [sys.executable, "-m", "tests.benchmarks.resolve"]
        assert sorted(output_of(command, env, text=names).split()) == expected

    def status() -> None:
        options = ["--store", f"oci:{folder / 'layout'}", "--format", "json"]
        answer = json.loads(output_of([sys.executable, "-m", "regsync", "status", *options], env))
        found = answer["data"]["images"]
        assert sorted(image["remote_digest"] for image in found) == expected
        assert {image["verdict"] for image in found} == {"up_to_date"}

    def crane() -> None:
        command = ["xargs", "-P8", "-n1", "crane", "digest"]
        assert sorted(output_of(command, env, text=names).split()) == expected

    runs: dict[str, Callable[[], None]] = {"regsync's client alone": resolve}
    if importlib.util.find_spec("regsync.operations.status"):
        runs["regsync status"] = status
    if shutil.which("crane"):
        runs["xargs -P8 crane digest"] = crane
    timed = in_turns(runs, rounds)
    show(["", "median", "range"], [one.row for one in timed.values()])
    if "xargs -P8 crane digest" not in timed:
        print("\ncrane is not on PATH: nothing to compare with")
        return 0
    ours = timed.get("regsync status") or timed["regsync's client alone"]
    pairs = zip(timed["xargs -P8 crane digest"].seconds, ours.seconds, strict=True)
    ratio = sorted(theirs / mine for theirs, mine in pairs)[rounds // 2]
    return verdict(f"{ours.name} is faster by the factor", ratio, least=TARGET)


if __name__ == "__main__":
    sys.exit(main())
