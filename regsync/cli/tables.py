"""Tables that fit: alignment is tabulate's, what gives way in a narrow terminal is decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

GAP = 2
"""Spaces between two columns."""

_LEAST = 4
"""Columns of the screen that are left of a firm column in a terminal too narrow for anything."""

Paint = Callable[[str, str], str]
"""Colours a cell, given its column's title and its text."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, its cells already safe to print.

    Attributes:
        least: Columns of the screen that it can shrink to; None where it never shrinks.
        numbers: Whether it aligns to the right.
        keep_end: Whether the end of a cell says more than its start: a tag.
        firm: Whether it stays, however narrow the terminal is.
    """

    title: str
    cells: tuple[str, ...]
    least: int | None = None
    numbers: bool = False
    keep_end: bool = False
    firm: bool = False

    @property
    def width(self) -> int:
        """Columns of the screen that it wants."""
        return max(columns_of(text) for text in (self.title, *self.cells))

    @property
    def empty(self) -> bool:
        """Whether no cell says anything."""
        return not any(self.cells)


def fit(columns: Sequence[Column], width: int | None) -> tuple[Column, ...]:
    """The columns that a terminal has room for, none of them empty.

    Columns shrink from the last one back, then give way from the last one back; what that frees
    goes to the first that shrank. Firm columns only shrink.

    Args:
        width: Columns of the terminal; None where everything may be shown in full.
    """
    kept = [column for column in columns if column.firm or not column.empty]
    if width is None:
        return tuple(kept)
    while _needed(kept) > width:
        loose = [column for column in kept if not column.firm]
        if not loose:
            break
        kept.remove(loose[-1])
    spare = width - _needed(kept)
    fitted = []
    for column in kept:
        room = column.width
        if column.least is not None:
            room = max(min(room, _least(column) + spare), _LEAST)
            spare -= room - _least(column)
        fitted.append(_cut_column(column, room))
    return tuple(fitted)


def render(columns: Sequence[Column], paint: Paint | None = None) -> str:
    """Lines of text, aligned; wide characters count double, as terminals draw them."""
    import tabulate  # type: ignore[import-untyped]

    # Else a title is taken to be two columns wider than it is.
    tabulate.MIN_PADDING = 0
    rows = list(zip(*(column.cells for column in columns), strict=True))
    titles = [column.title for column in columns]
    painted = [
        [paint(title, cell) if paint else cell for title, cell in zip(titles, row, strict=True)]
        for row in rows
    ]
    text = tabulate.tabulate(
        painted,
        titles,
        tablefmt="plain",
        disable_numparse=True,
        colalign=["right" if column.numbers else "left" for column in columns] if rows else None,
    )
    return "\n".join(line.rstrip() for line in text.split("\n"))


_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\|`*<>[]&"})


def markdown(columns: Sequence[Column]) -> str:
    """A GitHub table; what would be markup in a cell is escaped."""
    rows = list(zip(*(column.cells for column in columns), strict=True))
    lines = [
        [column.title for column in columns],
        ["--:" if column.numbers else "---" for column in columns],
        *[[cell.translate(_MARKDOWN) for cell in row] for row in rows],
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tsv(rows: Sequence[Mapping[str, str]], titles: Sequence[str]) -> str:
    """Tab-separated values under their titles; cells hold neither tabs nor line breaks."""
    return "\n".join(
        ["\t".join(titles), *("\t".join(row[title] for title in titles) for row in rows)]
    )


def columns_of(text: str) -> int:
    """How many columns of a screen a text takes."""
    from wcwidth import wcswidth

    return max(wcswidth(text), 0)


def cut(text: str, width: int, *, keep_end: bool = False) -> str:
    """`text` in at most `width` columns, `…` for what is left out at the end, or at the start."""
    if columns_of(text) <= width:
        return text
    if width < 1:
        return ""
    kept = text
    while kept and columns_of(kept) > width - 1:
        kept = kept[1:] if keep_end else kept[:-1]
    return f"…{kept.lstrip()}" if keep_end else f"{kept.rstrip()}…"


def _least(column: Column) -> int:
    if column.least is None:
        return column.width
    return min(column.width, max(column.least, columns_of(column.title)))


def _needed(columns: Sequence[Column]) -> int:
    return sum(_least(column) for column in columns) + GAP * (len(columns) - 1)


def _cut_column(column: Column, room: int) -> Column:
    cells = tuple(cut(cell, room, keep_end=column.keep_end) for cell in column.cells)
    return replace(column, cells=cells)
