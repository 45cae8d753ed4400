"""Take the picture of the HTML report, of what `regsync demo` has made.

python docs/screenshot.py            needs Chromium on PATH, and the extra `mock`
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

PICTURE = Path(__file__).parent / "images" / "status-report.png"
SIZE = "900,760"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


async def demo_page(folder: Path) -> str:
    """The report on the demo's images, after their tags have moved."""
    from regsync.cli import screens
    from regsync.cli.formats.html import page
    from regsync.operations.demo.stage import stage

    async with stage(folder, Path("images")) as where:
        await where.first_week()
        where.tags_move()
        report = await where.status()
    entries = screens.ordered(report.entries)
    return page(report, entries, datetime.now(UTC), screens.hints(entries, report.store))


def main() -> int:
    """Write the picture; returns the exit code."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        sys.stderr.write("there is no Chromium on PATH\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        file = folder / "status.html"
        file.write_text(asyncio.run(demo_page(folder)), encoding="ascii")
        command = [program, "--headless", "--disable-gpu", "--hide-scrollbars"]
        # The sandbox needs a user who is not root.
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        command += [f"--user-data-dir={folder / 'profile'}", f"--window-size={SIZE}"]
        command += [f"--screenshot={PICTURE}", file.as_uri()]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        os.chdir("/")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
