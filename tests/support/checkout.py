"""A folder with files that name images, `regsync status` as a process in it, and a registry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_registry import MockRegistry, seed

COMPOSE = """\
services:
  web:
    image: HOST/team/web:1.27.3
  app:
    image: HOST/team/app@DIGEST
  old:
    image: HOST/team/web:1.0.0
"""


@dataclass
class Checkout:
    """A folder with files, and a registry that has some of what they name."""

    home: Path
    registry: MockRegistry

    def write(self, path: str, text: str) -> None:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        digest = seed.image(layers=("app",)).digest
        file.write_text(text.replace("HOST", self.registry.host).replace("DIGEST", digest))

    def regsync(
        self, *arguments: str, stdin: bytes = b"", **env: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "regsync", "status", *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            # Where an engine is, none would be found: it is never looked for.
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home / "home"),
                "DOCKER_HOST": "unix:///no/such.sock",
                **env,
            },
            cwd=self.home,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.regsync(*arguments, "--format", "json").stdout)
        return told
