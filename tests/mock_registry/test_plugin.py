"""The fixtures, as another project's test run sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

USES = """
import urllib.request

def test_one(mock_registry):
    assert urllib.request.urlopen(mock_registry.url + "/v2/").status == 200
    assert mock_registry.log.pings == 1

def test_many(mock_registries, tmp_path):
    first, second = mock_registries(tmp_path), mock_registries(hub=7)
    assert first.host != second.host
    assert second.is_hub
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_the_fixtures_start_registries(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES)
    run(pytester).assert_outcomes(passed=2)


def test_the_plugin_can_be_left_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    run(pytester, "-p", "no:mock_registry").assert_outcomes(passed=1)


def test_aiohttp_is_loaded_by_its_users_only(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\ndef test_lazy(): assert 'aiohttp' not in sys.modules")
    run(pytester).assert_outcomes(passed=1)


def test_without_aiohttp_the_fixtures_skip_and_say_why(pytester: pytest.Pytester) -> None:
    # None in sys.modules is Python's own way to say that a module is not there.
    pytester.makeconftest("import sys\nsys.modules['aiohttp'] = None")
    pytester.makepyfile(USES)
    result = run(pytester, "-rs")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*pip install 'regsync?mock?'*"])


def test_importing_the_package_loads_neither_aiohttp_nor_regsync(tmp_path: Path) -> None:
    code = (
        "import sys, mock_registry, mock_registry.plugin\n"
        "from mock_registry import Fault, User, Quirks\n"
        "print([name for name in ('aiohttp', 'regsync') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
