"""How long `regsync --version` takes beside a Python that does nothing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import clean_environment, in_turns, output_of, show, verdict

TARGET = 6.0
ROUNDS = 21


def main() -> int:
    script = Path(sys.executable).with_name("regsync")
    ours = [str(script)] if script.exists() else [sys.executable, "-m", "regsync"]
    with tempfile.TemporaryDirectory() as home:
        env = clean_environment(home)
        timed = in_turns(
            {
                "python -c pass": lambda: output_of([sys.executable, "-c", "pass"], env),
                "regsync --version": lambda: output_of([*ours, "--version"], env),
                "regsync --help": lambda: output_of([*ours, "--help"], env),
            },
            ROUNDS,
        )
    show(["", "median", "range"], [one.row for one in timed.values()])
    ratio = timed["regsync --version"].median / timed["python -c pass"].median
    return verdict("`--version` takes this many times as long", ratio, most=TARGET)


if __name__ == "__main__":
    sys.exit(main())
