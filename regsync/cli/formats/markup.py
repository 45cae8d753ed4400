"""HTML from values: text is escaped because it is text, and only `element` makes markup.

A template engine would add a dependency, and a switch with which escaping is turned off.
"""

from __future__ import annotations

import html
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Markup:
    """What is markup already. Made by this module alone; everything else is text."""

    text: str


def element(
    name: str, *children: Markup | str, attributes: dict[str, str] | None = None, tight: bool = True
) -> Markup:
    """One element and what it holds.

    Args:
        attributes: Their values are text, and escaped.
        tight: Whether its neighbour follows on the same line.
    """
    written = "".join(f' {key}="{_escaped(value)}"' for key, value in (attributes or {}).items())
    inner = "".join(_text(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}" + (">" if tight else ">\n"))


def void(name: str, attributes: dict[str, str]) -> Markup:
    """An element that holds nothing and has no end tag: `meta`."""
    return Markup(
        f"<{name}" + "".join(f' {k}="{_escaped(v)}"' for k, v in attributes.items()) + ">\n"
    )


def style(sheet: str) -> Markup:
    """A style sheet of ours; in it nothing is escaped, so it must hold no `<`."""
    if "<" in sheet:
        raise AssertionError("a style sheet could end its own element")
    return Markup(f"<style>{sheet}</style>\n")


def joined(*parts: Markup | str) -> Markup:
    """Several one after the other."""
    return Markup("".join(_text(part) for part in parts))


def document(whole: Markup) -> str:
    """The page's text, without a newline at its end."""
    return f"<!DOCTYPE html>\n{whole.text}".rstrip("\n")


def _text(part: Markup | str) -> str:
    return part.text if isinstance(part, Markup) else _escaped(part)


def _escaped(text: str) -> str:
    """`&`, `<`, `>`, both quotes and everything beyond ASCII as character references."""
    return html.escape(text).encode("ascii", "xmlcharrefreplace").decode("ascii")
