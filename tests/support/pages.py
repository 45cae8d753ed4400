"""The how-to pages as tests read them, and a shell to run their examples in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
EXAMPLE = "registry.example.com"
"""The registry of the pages; a real one on this machine stands in for it."""

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


def example(page: str, name: str) -> str:
    """The block after `<!-- tested: NAME -->`, without the indentation of a list."""
    text = (HOW_TO / f"{page}.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- tested: {name} -->\n *```\w+\n(.*?)^ *```$", text, re.M | re.S)
    assert found is not None
    return re.sub(r"^   ", "", found[1], flags=re.MULTILINE) if found[1][0] == " " else found[1]


@dataclass
class Shell:
    """A user's shell, in a folder of its own."""

    home: Path

    def run(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["sh", "-c", script],
            env={"PATH": path, "HOME": str(self.home), "COLUMNS": "200", **env},
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
