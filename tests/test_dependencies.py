"""Everything that is imported is asked for by name, not got by luck through somebody else."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest

import mock_registry
import regsync

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"regsync", "mock_registry"}


def imported(package: Path) -> dict[str, str]:
    """Every module of others that a package imports, wherever it does; with one place of each."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(), str(file))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                found[name.partition(".")[0]] = f"{file.relative_to(package.parent)}:{node.lineno}"
    return {name: at for name, at in found.items() if name not in sys.stdlib_module_names | OURS}


def distributions(requirements: list[str]) -> set[str]:
    return {
        normal(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in requirements
    }


def normal(name: str) -> str:
    """The one spelling of a name (packaging.python.org, Names and normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


DECLARED = distributions(PROJECT["dependencies"])
# pytest alone loads the plugin, so it is there.
WITH_MOCK = DECLARED | distributions(PROJECT["optional-dependencies"]["mock"]) | {"pytest"}


@pytest.mark.parametrize(
    ("package", "declared"),
    [
        pytest.param(regsync, DECLARED, id="regsync"),
        pytest.param(mock_registry, WITH_MOCK, id="mock_registry"),
    ],
)
def test_every_import_is_declared(package: ModuleType, declared: set[str]) -> None:
    installed = packages_distributions()
    found = imported(Path(package.__path__[0]))
    assert found
    missing = {
        name: at
        for name, at in found.items()
        if not declared & {normal(one) for one in installed.get(name, [])}
    }
    assert missing == {}
