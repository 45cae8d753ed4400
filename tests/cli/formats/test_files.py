"""What `status --from` finds, in the formats for other readers: places, and files that fail."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from reports import NOW, entry, report

from regsync.cli.formats.html import page
from regsync.cli.formats.junit import document
from regsync.cli.formats.nagios import State, answer, state
from regsync.errors import InvalidConfig, Unresolved
from regsync.files.found import Place
from regsync.operations.report import InFiles
from regsync.operations.verdict import Kind, Verdict

PLACE = Place("compose.yaml", 3, "web", "node:22")
NAMED = replace(entry("node:22", Verdict(Kind.NOT_LOCAL), here=False), in_files=InFiles((PLACE,)))
UNREAD = InvalidConfig("`bad|<b>.yaml` cannot be read", "it is no YAML")
FOUND = replace(report(NAMED), files=2, failures=(UNREAD,))


def test_a_page_says_where_and_what_could_not_be_read() -> None:
    written = page(FOUND, FOUND.entries, NOW)
    assert '<td role="cell" data-label="Where">compose.yaml:3 web</td>' in written
    assert "<dt>named in</dt><dd>compose.yaml:3 web</dd>" in written
    assert "1 file not read</h1>" in written
    assert "<li>`bad|&lt;b&gt;.yaml` cannot be read: it is no YAML</li>" in written


def test_a_page_does_not_count_names_as_files() -> None:
    untold = tuple(Unresolved(f"f:{n}: cannot tell `a:${{T}}`", "no value") for n in range(2))
    written = page(replace(FOUND, failures=untold), FOUND.entries, NOW)
    assert "2 names could not be told</h1>" in written
    assert "not read" not in written
    both = page(replace(FOUND, failures=(*untold, UNREAD)), FOUND.entries, NOW)
    assert "1 file not read, 2 names could not be told</h1>" in both


def test_a_file_that_cannot_be_read_is_an_error_among_tests() -> None:
    root = ElementTree.fromstring(document(FOUND, FOUND.entries, NOW))
    cases = list(root.iter("testcase"))
    assert root.get("tests") == str(len(cases)) == "2"
    assert root.get("errors") == str(len(list(root.iter("error"))))
    [failed] = root.findall("testsuite[@name='files']/testcase/error")
    assert (failed.get("type"), failed.get("message")) == ("invalid_config", str(UNREAD))


def test_a_file_that_cannot_be_read_leaves_a_monitor_unsure() -> None:
    assert state(replace(report(), failures=(UNREAD,))) is State.UNKNOWN
    assert answer(FOUND, FOUND.entries, NOW).splitlines()[-1] == (
        "`bad/<b>.yaml` cannot be read: it is no YAML"
    )
