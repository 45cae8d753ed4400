"""`regsync` as a process, on a machine of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Machine:
    """A user's machine: a home folder and a folder of images."""

    home: Path

    @property
    def store(self) -> str:
        return f"oci:{self.home / 'images'}"

    def regsync(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TERM": "dumb"}
        return subprocess.run(
            [sys.executable, "-m", "regsync", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=env,
            cwd=self.home,
        )

    def status(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.regsync("status", "--store", self.store, *arguments)

    def pull(self, *references: str) -> None:
        for reference in references:
            done = self.regsync("pull", reference, "--store", self.store, "-q")
            assert done.returncode == 0, done.stderr
