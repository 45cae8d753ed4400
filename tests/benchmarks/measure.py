"""How things are measured: wall time in pairs, peak memory of a process, and a table at the end."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tabulate import tabulate

# What a process had before it became another counts as that one's peak, so it must be small.
_LAUNCHER = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
sys.stderr.write(f"\\npeak {usage.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Timed:
    """Wall times of one command in seconds, in the order of its runs."""

    name: str
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def row(self) -> list[str]:
        low, high = min(self.seconds), max(self.seconds)
        return [self.name, f"{self.median:.3f} s", f"{low:.3f} - {high:.3f} s"]


def in_turns(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timed]:
    """Time several things in turns, so that what the machine does besides hits them all alike.

    Each runs once before, unmeasured: files are in the cache then, and byte code is written.
    """
    timed = {name: Timed(name) for name in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            timed[name].seconds.append(time.perf_counter() - start)
    return timed


def output_of(command: Sequence[str], env: Mapping[str, str], *, text: str | None = None) -> str:
    """What a command prints; ends the benchmark where it fails."""
    done = subprocess.run(command, env=dict(env), input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def peak_bytes(command: Sequence[str], env: Mapping[str, str]) -> int:
    """The most memory that a command had at once (its resident set), in bytes."""
    whole = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    done = subprocess.run(whole, env=dict(env), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    peak = int(done.stderr.rpartition("peak ")[2])
    return peak if sys.platform == "darwin" else peak * 1024


def clean_environment(home: str | os.PathLike[str]) -> dict[str, str]:
    """An environment without anybody's settings, credentials or memory."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"HOME": str(home)}


def show(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    print(tabulate(rows, headers, disable_numparse=True))


def verdict(
    what: str, value: float, *, least: float | None = None, most: float | None = None
) -> int:
    """Print a figure beside its target; 1 where it is missed, for the exit code."""
    met = (least is None or value >= least) and (most is None or value <= most)
    target = f"at least {least:g}" if least is not None else f"at most {most:g}"
    print(f"\n{what}: {value:.2f} ({target}: {'met' if met else 'MISSED'})")
    return 0 if met else 1
