"""What `status` shows, for reports made here: on a terminal, in a pipe, in every format."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports import NOW, OURS, entry, report, week

from regsync.cli import nextsteps, screens, status
from regsync.cli.nextsteps import engine_options
from regsync.cli.options import StatusRows
from regsync.cli.terminal import Terminal
from regsync.errors import ServerFailed, Unreachable
from regsync.operations.report import UsedBy
from regsync.operations.verdict import Kind, LastKnown, Verdict, unknown
from regsync.stores.base import StoreInfo

SUPPORT = Path(__file__).parent.parent / "support"
SHOW = f"""
import sys
sys.path.insert(0, {str(SUPPORT)!r})
from regsync.cli import options, status
from regsync.cli.terminal import open_streams
from reports import week
open_streams()
status.show(week(), options.StatusRows(sys.argv[1]), 3)
"""


def test_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    status.show(week(), StatusRows.TABLE, 3)
    shown = capsys.readouterr()
    ago = r"\d+ (months?|years?) ago"
    assert re.fullmatch(
        re.escape(
            "docker 28.5 · containerd store · 6 images, 2 registries\n\n"
            "IMAGE STATUS WHAT CHANGED DOWNLOAD USED BY\n"
            "goals:latest rebuild base node has moved on\n"
            "node:latest outdated 22.11.0 → 24.1.0 312 MB web, worker (older image)\n"
            "quay.io/minio/minio:latest unknown quay.io does not answer (connect timed out); "
            "was up to date AGO\n"
            "extending_airflow:latest local only never pushed\n"
            "postgres:13 up to date\n"
            "<none> e3b0c44298fc local only untagged, was node@sha256:ae0bec9e9d33\n\n"
            "1 outdated, 1 to rebuild, 1 unknown, 1 up to date, 2 local only "
            "4 requests, no pulls spent, "
            "97 of 100 pulls left at docker.io (for 203.0.113.7, per 6 h)\n"
        ).replace("AGO", ago),
        re.sub(" +", " ", shown.out),
    )
    assert shown.err.splitlines() == [
        "hint: `docker pull node:latest` brings it up to date, 312 MB",
        "hint: after the pull, recreate web, worker",
        "hint: quay.io: check the network",
    ]


def test_quiet_is_the_table_alone(capsys: pytest.CaptureFixture[str]) -> None:
    status.show(week(), StatusRows.TABLE, 3, quiet=True)
    shown = capsys.readouterr()
    assert shown.out.startswith("IMAGE ")
    assert len(shown.out.splitlines()) == 7
    assert shown.err == ""


def test_stale_filters_rows_and_counts_all(capsys: pytest.CaptureFixture[str]) -> None:
    status.show(week(), StatusRows.TABLE, 3, only_stale=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["IMAGE", "goals:latest", "node:latest"]
    assert lines[-1].startswith("1 outdated, 1 to rebuild, 1 unknown, 1 up to date, 2 local only")
    status.show(week(), StatusRows.JSON, 3, only_stale=True)
    told = json.loads(capsys.readouterr().out)
    assert [image["name"] for image in told["data"]["images"]] == ["goals:latest", "node:latest"]
    assert told["data"]["summary"]["local_only"] == 2
    assert [error["code"] for error in told["errors"]] == ["unreachable"]


def test_nothing_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    empty = report()
    for format in (StatusRows.JSONL, StatusRows.TABLE):
        status.show(empty, format, 0)
    assert capsys.readouterr().out == (
        "docker 28.5 · containerd store · 0 images\n\n"
        "4 requests, no pulls spent, "
        "97 of 100 pulls left at docker.io (for 203.0.113.7, per 6 h)\n"
    )


def test_verbose_tells_every_failure(capsys: pytest.CaptureFixture[str]) -> None:
    status.show(week(), StatusRows.TSV, 3, verbose=True)
    assert capsys.readouterr().err == (
        "error: cannot reach `quay.io`\n  connect timed out\nhint: check the network\n"
    )


def test_order() -> None:
    rows = [
        entry(None, Verdict(Kind.LOCAL_ONLY, "untagged")),
        entry("a:1.10", Verdict(Kind.UP_TO_DATE, "exact")),
        entry("a:1.9", Verdict(Kind.UP_TO_DATE, "exact")),
        entry("z:1", unknown(Unreachable("cannot reach `z`"))),
        entry("y:1", Verdict(Kind.GONE, "tag")),
        entry("b:1", Verdict(Kind.UP_TO_DATE, "exact"), UsedBy("c", "web", True, True)),
    ]
    names = [one.name for one in screens.ordered(rows)]
    assert names == ["b:1", "y:1", "z:1", "a:1.9", "a:1.10", None]


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        (StoreInfo("docker", "20.10.24", "classic", "", ""), "docker 20.10 · classic store"),
        (
            StoreInfo("podman", "5.4.2", "containers-storage", "", ""),
            "podman 5.4 · containers-storage",
        ),
        (StoreInfo("oci", "", "oci-layout", "/srv/images", ""), "OCI layout · /srv/images"),
        (StoreInfo("docker\x1b[2J", "\x9b.\x07.1", "odd\n", "", ""), None),
    ],
)
def test_the_header_says_which_store_answered(store: StoreInfo, shown: str | None) -> None:
    made = week()
    object.__setattr__(made, "store", store)
    line = screens.header(made)
    assert line.isprintable()
    if shown is not None:
        assert line == f"{shown} · 6 images, 2 registries"


def test_the_header_counts_as_the_summary_does() -> None:
    one, two = (entry(name, Verdict(Kind.UP_TO_DATE, "exact")) for name in ("a:1", "a:2"))
    made = report(one, replace(two, id=one.id), entry("b:1", Verdict(Kind.NOT_LOCAL), here=False))
    assert " · 2 images, " in screens.header(made)


def test_a_digest_in_a_name_is_short_where_people_read_and_whole_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = report(entry(f"a@{OURS}", Verdict(Kind.PINNED)))
    status.show(made, StatusRows.TABLE, 0)
    assert f"\na@{OURS.short}  pinned\n" in capsys.readouterr().out
    for format in (StatusRows.TSV, StatusRows.JSON):
        status.show(made, format, 0)
        assert f"a@{OURS}" in capsys.readouterr().out


def test_what_a_registry_says_is_short_in_a_cell() -> None:
    endless = unknown(ServerFailed("cannot read it", "\x1b" + "x" * 5000))
    row = screens.table([entry("a:1", endless)], NOW, Terminal()).splitlines()[1]
    assert len(row) == len("a:1    unknown  ") + 200
    assert row.endswith("…")


def test_equal_hints_are_said_once() -> None:
    names = ("h:1/a:1", "h:2/a:1", "h:2/b:1", "h:3/a:1")
    made = [entry(name, unknown(Unreachable("no", "", f"try {name[2] > '2'}"))) for name in names]
    podman = StoreInfo("podman", "5", "containers-storage", "", "")
    assert nextsteps.of_status(made, podman) == ["h:1, h:2: try False", "h:3: try True"]


def test_hints_name_a_command_that_exists() -> None:
    outdated = [entry(name, Verdict(Kind.OUTDATED, "moved")) for name in ("a:1", "b:1")]
    podman = StoreInfo("podman", "5", "containers-storage", "", "")
    layout = StoreInfo("oci", "", "oci-layout", "/srv/images", "")
    assert nextsteps.of_status(outdated, podman) == [
        "`podman pull a:1` and so on bring 2 images up to date"
    ]
    assert nextsteps.of_status(outdated[:1], layout) == [
        "`regsync pull a:1 --store oci:/srv/images` brings it up to date"
    ]
    assert nextsteps.of_status(outdated[:1], replace(layout, address="/srv/my images")) == [
        "`regsync pull a:1 --store 'oci:/srv/my images'` brings it up to date"
    ]
    assert nextsteps.of_status([entry("a:1", Verdict(Kind.UP_TO_DATE, "exact"))], podman) == []


@pytest.mark.parametrize(
    ("name", "host", "context", "command"),
    [
        ("docker", None, None, "docker pull a:1"),
        ("docker", "unix:///x.sock", None, "docker -H unix:///x.sock pull a:1"),
        ("docker", None, "far", "docker --context far pull a:1"),
        ("docker", "unix:///my x.sock", None, "docker -H 'unix:///my x.sock' pull a:1"),
        ("podman", "unix:///x.sock", None, "podman --url unix:///x.sock pull a:1"),
    ],
)
def test_a_hint_meets_the_engine_that_was_asked(
    name: str, host: str | None, context: str | None, command: str
) -> None:
    outdated = [entry("a:1", Verdict(Kind.OUTDATED, "moved"))]
    store = StoreInfo(name, "5", "classic", "", "")
    [hint] = nextsteps.of_status(outdated, store, engine_options(name, host, context))
    assert hint == f"`{command}` brings it up to date"


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_nothing_that_others_chose_reaches_the_terminal(one: str, two: str, three: str) -> None:
    made = entry(
        "a:1",
        Verdict(Kind.OUTDATED, "moved", changed=one, notes=(two,)),
        UsedBy("c", three, True, True),
    )
    object.__setattr__(made, "name", one + three)
    failed = entry("b:1", unknown(Unreachable(one, two, three), LastKnown(Kind.GONE, None, NOW)))
    whole = report(made, failed)
    texts = [
        screens.table(whole.entries, NOW, Terminal()),
        screens.markdown(whole.entries, NOW),
        screens.tsv(whole.entries).replace("\t", " "),
    ]
    assert [text.count("\n") for text in texts] == [2, 3, 2]
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    for text in texts:
        assert not hidden & {unicodedata.category(char) for char in text.replace("\n", "")}


@pytest.mark.parametrize("format", ["markdown", "tsv", "jsonl", "json"])
def test_formats_for_programs(format: str) -> None:
    done = subprocess.run([sys.executable, "-c", SHOW, format], capture_output=True, check=True)
    text = done.stdout.decode()
    lines = text.splitlines()
    if format == "json":
        assert text.isascii()
        assert json.loads(text)["data"]["images"][2]["changed"] == "22.11.0 → 24.1.0"
    elif format == "jsonl":
        assert text.isascii()
        images = [json.loads(line) for line in lines]
        assert [image["name"] for image in images] == [one.name for one in week().entries]
    elif format == "tsv":
        assert tuple(lines[0].split("\t")) == screens.TSV_TITLES
        assert {len(line.split("\t")) for line in lines} == {len(screens.TSV_TITLES)}
        assert lines[2].split("\t")[7:11:3] == ["true", "312000000"]
    else:
        assert lines[0] == "| IMAGE | STATUS | WHAT CHANGED | DOWNLOAD | USED BY |"
        assert "| \\<none\\> e3b0c44298fc |" in lines[-1]


def on_terminal(columns: int, **env: str) -> str:
    """The sample's screen on a pseudo-terminal, hints left out."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    base = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")
    }
    with subprocess.Popen(
        [sys.executable, "-c", SHOW, "table"],
        stdin=follower,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env=base | {"TERM": "xterm"} | env,
    ) as process:
        os.close(follower)
        seen = b""
        # Reading on a pseudo-terminal whose other side is closed fails on Linux and ends on macOS.
        try:
            while chunk := os.read(leader, 4096):
                seen += chunk
        except OSError:
            pass
        assert process.wait() == 0
    os.close(leader)
    return seen.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [120, 80, 60, 40, 34])
def test_the_screen_fits_the_terminal(columns: int) -> None:
    plain = re.sub(r"\x1b\[[0-9]+m", "", on_terminal(columns))
    assert all(len(line) <= columns for line in plain.splitlines())
    rows = plain.split("\n\n")[1].splitlines()
    told = ["STATUS", "rebuild", "outdated", "unknown", "local only", "up to date", "local only"]
    assert len(rows) == len(told)
    for row, word in zip(rows, told, strict=True):
        assert word in row
    starts = {row.index(word) for row, word in zip(rows, told, strict=True)}
    assert starts == {rows[0].index("STATUS")}


def test_colours_repeat_what_words_say() -> None:
    coloured = on_terminal(100)
    assert "\x1b[33moutdated\x1b[0m" in coloured
    assert "\x1b[31munknown\x1b[0m" in coloured
    assert "\x1b[32mup to date\x1b[0m" in coloured
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert on_terminal(100, **env) == re.sub(r"\x1b\[[0-9]+m", "", coloured)


@pytest.mark.parametrize(
    ("entries", "named", "asked", "code"),
    [
        ([Verdict(Kind.NOT_LOCAL)], True, True, 5),
        ([Verdict(Kind.NOT_LOCAL), Verdict(Kind.UP_TO_DATE, "exact")], True, False, 0),
        ([], False, True, 0),
        ([Verdict(Kind.OUTDATED, "moved")], True, True, 10),
        ([Verdict(Kind.OUTDATED, "moved")], True, False, 0),
        ([unknown(Unreachable("cannot reach `a`"))], True, False, 3),
    ],
)
def test_exit_codes(entries: list[Verdict], named: bool, asked: bool, code: int) -> None:
    made = report(*(entry(f"a:{n}", verdict) for n, verdict in enumerate(entries)))
    assert status.exit_code_of(made, ask_stale=asked, named=named) == code
