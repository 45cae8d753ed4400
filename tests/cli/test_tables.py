"""Tables that fit, align, and let no cell out of its place."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.cli.tables import Column, columns_of, cut, fit, markdown, render
from regsync.cli.terminal import safe

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x9b\r\n\t\v\x00\x07\x08\u202e\u2066\u200b\u200d\ufe0f日本🐳é|`\\"),
        st.characters(categories=["Cc", "Cf", "Mn", "So", "Lo"]),
    ),
    max_size=60,
).map(safe)


def test_it_aligns_and_drops_what_is_empty() -> None:
    columns = fit(
        [
            Column("IMAGE", ("node", "日本語"), firm=True),
            Column("NOTHING", ("", "")),
            Column("SIZE", ("312 MB", ""), numbers=True),
            Column("BY", ("web", "🐳")),
        ],
        None,
    )
    assert render(columns).splitlines() == [
        "IMAGE     SIZE  BY",
        "node    312 MB  web",
        "日本語          🐳",
    ]


def test_numbers_and_spaces_stay_as_they_are() -> None:
    texts = ("1e5", "007", "1.10", "True", "nan")
    columns = [Column(f"C{number}", (text,)) for number, text in enumerate(texts)]
    assert render(columns).split()[len(texts) :] == list(texts)


WHAT = "a long story of what has changed"


def shown(width: int) -> str:
    columns = (
        Column("IMAGE", ("registry/path:tag",), least=8, keep_end=True, firm=True),
        Column("STATUS", ("up to date",), firm=True),
        Column("WHAT", (WHAT,), least=10),
        Column("SIZE", ("312 MB",), numbers=True),
        Column("BY", ("web, worker",), least=6),
    )
    return render(fit(columns, width)).split("\n")[1]


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (200, f"registry/path:tag  up to date  {WHAT}  312 MB  web, worker"),
        (70, "registry/path:tag  up to date  a long story of what h…  312 MB  web,…"),
        (55, "…istry/path:tag  up to date  a long st…  312 MB  web,…"),
        (48, "…ath:tag  up to date  a long st…  312 MB  web,…"),
        (40, "…ath:tag  up to date  a long st…  312 MB"),
        (39, "…istry/path:tag  up to date  a long st…"),
        (29, "registry/path:tag  up to date"),
        (20, "…ath:tag  up to date"),
    ],
)
def test_what_gives_way_in_a_narrow_terminal(width: int, row: str) -> None:
    assert shown(width) == row


@given(st.lists(st.tuples(NASTY, NASTY, NASTY), min_size=1, max_size=5), st.integers(24, 120))
def test_no_cell_leaves_its_row_or_the_screen(rows: list[tuple[str, str, str]], width: int) -> None:
    first, second, third = (tuple(cells) for cells in zip(*rows, strict=True))
    columns = fit(
        [
            Column("IMAGE", first, least=8, keep_end=True, firm=True),
            Column("WHAT", second, least=10),
            Column("BY", third, least=6),
        ],
        width,
    )
    lines = render(columns).split("\n")
    assert len(lines) == len(rows) + 1
    for line in lines:
        assert columns_of(line) <= width
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in line)


@given(NASTY, st.integers(0, 80), st.booleans())
def test_cut(text: str, width: int, keep_end: bool) -> None:
    short = cut(text, width, keep_end=keep_end)
    assert columns_of(short) <= width
    if columns_of(text) <= width:
        assert short == text


def test_cut_keeps_what_matters() -> None:
    assert cut("quay.io/minio/minio:latest", 12, keep_end=True) == "…inio:latest"
    assert cut("the tag has moved on", 12) == "the tag has…"


@given(NASTY, NASTY)
def test_markdown_cells_are_text(one: str, two: str) -> None:
    lines = markdown([Column("A", (one,)), Column("B", (two,))]).split("\n")
    assert len(lines) == 3
    bare = lines[2].replace("\\\\", "")
    assert bare.count("|") - bare.count("\\|") == 3
    assert "<" not in bare.replace("\\<", "")
