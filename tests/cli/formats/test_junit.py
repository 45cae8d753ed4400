"""Test results, as GitLab and Jenkins read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hostile import HOSTILE, hostile
from reports import NOW, entry, report, week

from regsync.cli.formats.junit import document
from regsync.errors import Unreachable
from regsync.operations.report import Entry, StatusReport, UsedBy
from regsync.operations.verdict import Kind, Verdict

# What may stand where, and which attributes it has: junit-10.xsd of Jenkins' xunit plugin, with
# the properties of a test case that newer readers know.
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "testcase": {"properties", "failure", "error", "skipped"},
    "properties": {"property"},
}
COUNTS = {"tests", "failures", "errors", "skipped"}
ATTRIBUTES = {
    "testsuites": {"name", *COUNTS},
    "testsuite": {"name", "timestamp", *COUNTS},
    "testcase": {"classname", "name"},
    "property": {"name", "value"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
    "properties": set(),
}


def read(found: StatusReport) -> Element:
    text = document(found, found.entries, NOW)
    assert text.isascii()
    root = ElementTree.fromstring(text)
    for element in root.iter():
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
        assert set(element.attrib) == ATTRIBUTES[element.tag]
    for counted in (root, *root):
        cases = list(counted.iter("testcase"))
        told = {name: int(counted.get(name, "")) for name in COUNTS}
        assert told == {
            "tests": len(cases),
            "failures": sum(case.find("failure") is not None for case in cases),
            "errors": sum(case.find("error") is not None for case in cases),
            "skipped": sum(case.find("skipped") is not None for case in cases),
        }
    return root


def test_a_suite_for_each_registry() -> None:
    root = read(week())
    assert [suite.get("name") for suite in root] == ["docker.io", "no registry", "quay.io"]
    [failed] = root.findall(".//testcase[@name='node:latest']/failure")
    assert failed.attrib == {"type": "outdated", "message": "outdated: 22.11.0 → 24.1.0"}
    assert "download: 312 MB (312000000 bytes)\n" in (failed.text or "")
    [left] = root.findall("testsuite/properties/property[@name='pulls left']")
    assert left.get("value") == "97 of 100"
    [error] = root.findall(".//error")
    assert error.get("type") == "unreachable"
    assert "hint: check the network" in (error.text or "")


OUTDATED = Verdict(Kind.OUTDATED, "moved")
SILENT = Unreachable("cannot reach `quay.io`", "connect timed out")


@pytest.mark.parametrize(
    ("made", "tag", "kind"),
    [
        (entry("a", Verdict(Kind.UP_TO_DATE, "exact")), None, None),
        (entry("a", Verdict(Kind.LOCAL_ONLY, "untagged")), None, None),
        (entry("a", Verdict(Kind.GONE, "tag")), "failure", "gone"),
        (
            entry("a", Verdict(Kind.UP_TO_DATE), UsedBy("c", "web", True, True)),
            "failure",
            "container",
        ),
        (entry("a", Verdict(Kind.NOT_LOCAL), here=False), "error", "not_found"),
        (entry("a", replace(Verdict(Kind.NOT_LOCAL), error=SILENT)), "error", "unreachable"),
    ],
)
def test_what_a_row_becomes(made: Entry, tag: str | None, kind: str | None) -> None:
    [case] = read(report(made)).iter("testcase")
    found = [(child.tag, child.get("type")) for child in case if child.tag != "properties"]
    assert found == ([] if tag is None else [(tag, kind)])


def test_what_is_held_back_tells_until_when() -> None:
    made = replace(entry("a", OUTDATED), held_until=NOW + timedelta(days=2))
    [case] = read(report(made)).iter("testcase")
    assert case.find("properties/property[@name='held until']") is not None
    skipped = case.find("skipped")
    assert skipped is not None
    assert "held back until 2026-01-12" in skipped.get("message", "")


def test_hostile_text_is_text() -> None:
    root = read(hostile())
    values = {element.get("value") for element in root.iter("property")}
    names = {case.get("name") for case in root.iter("testcase")}
    assert set(HOSTILE) <= values & names
    assert "a\\x00b\\x1b[31mc\\u202ed\\ud800e\\uffff" in names


def test_nothing_to_list() -> None:
    assert list(read(report())) == []
