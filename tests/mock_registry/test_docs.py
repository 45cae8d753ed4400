"""The examples of the reference page are run as they stand there."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from mock_registry import Fault, Log, Quirks
from mock_registry.__main__ import main

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parents[2] / "docs/reference/mock-registry.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 8


@pytest.mark.parametrize("example", [each for each in EXAMPLES if "def test_" not in each])
def test_an_example(example: str) -> None:
    exec(compile(example, str(PAGE), "exec"), {"__name__": "example"})


def test_the_examples_for_pytest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(*[each for each in EXAMPLES if "def test_" in each])
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "name",
    [each.name for each in (*fields(Fault), *fields(Quirks))]
    + [name for name, value in vars(Log).items() if isinstance(value, property)],
)
def test_every_name_is_documented(name: str) -> None:
    words = set(re.findall(r"\w+", TEXT))
    assert name in words


def test_every_option_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out)) - {"--help"}
    assert options == set(re.findall(r"--[a-z][a-z-]*", TEXT.partition("## In a test")[0]))
