"""How much more memory `regsync status` takes for 1,000 references than for 10."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import scene
from tests.benchmarks.measure import clean_environment, peak_bytes, show, verdict

FEW, MANY = 10, 1000
TARGET = 30
"""MB, of a million bytes."""
ROUNDS = 5


def main() -> int:
    peaks: dict[int, list[int]] = {FEW: [], MANY: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = scene.images(MANY)
        scene.fill_registry(folder / "registry", content)
        with scene.serving(folder / "registry") as host:
            for count in peaks:
                some = dict(list(content.items())[:count])
                scene.write_layout(folder / f"layout{count}", host, some)
                (folder / f"home{count}").mkdir()
            for _ in range(ROUNDS):
                for count, found in peaks.items():
                    env = clean_environment(folder / f"home{count}")
                    store = f"oci:{folder / f'layout{count}'}"
                    command = [sys.executable, "-m", "regsync", "status", "--store", store]
                    found.append(peak_bytes(command, env))
    medians = {count: statistics.median(found) / 1e6 for count, found in peaks.items()}
    show(
        ["references", "peak"], [[str(count), f"{peak:.1f} MB"] for count, peak in medians.items()]
    )
    return verdict("MB more for 1,000 than for 10", medians[MANY] - medians[FEW], most=TARGET)


if __name__ == "__main__":
    sys.exit(main())
