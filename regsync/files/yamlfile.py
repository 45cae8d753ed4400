"""YAML as a tree with line numbers, read from parser events: nothing is constructed or executed.

PyYAML's own composer recurses as deep as the document says and hands out loops; building from
events bounds depth, and the size that aliases would expand to, before anything walks the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from regsync.errors import InvalidFile

DEPTH, SIZE = 100, 500_000
"""Nesting of one document, and nodes of a file, after aliases were followed."""
_PYTHON = "tag:yaml.org,2002:python/"
# What YAML 1.2 and its readers in Go take for a truth value, a number or a date.
_NO_TEXT = re.compile(
    r"true|True|TRUE|false|False|FALSE"
    r"|[-+]?[0-9][0-9_]*|0o[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?0b[01_]+"
    r"|[-+]?(?:\.[0-9]+|[0-9][0-9_]*\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ][0-9].*)?"
)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text.

    Attributes:
        plain: Whether it stands without quotes, so that YAML may read a number or null in it.
    """

    text: str
    line: int
    plain: bool = False

    @property
    def null(self) -> bool:
        """Whether it says that there is no value."""
        return self.plain and self.text in _NULL

    @property
    def no_text(self) -> bool:
        """Whether it says a number, a truth value or a date, where a text needs quotes."""
        return self.plain and _NO_TEXT.fullmatch(self.text) is not None


@dataclass(slots=True)
class List:
    """A sequence."""

    line: int
    items: list[Node] = field(default_factory=list)
    size: int = 1
    depth: int = 1


@dataclass(slots=True)
class Map:
    """A mapping whose keys are texts; what `<<` merges is in it already."""

    line: int
    entries: dict[str, Node] = field(default_factory=dict)
    size: int = 1
    depth: int = 1

    def get(self, key: str) -> Node | None:
        """The value of a key, None where it is not there or null."""
        found = self.entries.get(key)
        return None if isinstance(found, Scalar) and found.null else found

    def scalar(self, key: str) -> Scalar | None:
        """The value of a key, where it is a text."""
        found = self.get(key)
        return found if isinstance(found, Scalar) else None

    def map(self, key: str) -> Map | None:
        """The value of a key, where it is a mapping."""
        found = self.get(key)
        return found if isinstance(found, Map) else None

    def list(self, key: str) -> tuple[Node, ...]:
        """The items of a key's sequence; empty where there is none."""
        found = self.get(key)
        return tuple(found.items) if isinstance(found, List) else ()


Node = Scalar | List | Map


class InvalidYaml(InvalidFile):
    """A file is no YAML that can be read safely and in one way."""


def documents(text: str, path: str) -> tuple[Node, ...]:
    """The documents of a YAML or JSON file, empty ones left out.

    Raises:
        InvalidYaml: it breaks the grammar, says a key twice, asks for Python objects, or is nested
            or expanded beyond `DEPTH` and `SIZE`.
    """
    import yaml

    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    builder = _Builder(path)
    try:
        events: Iterator[Any] = yaml.parse(text, loader)
        for event in events:
            builder.take(event)
    except yaml.YAMLError as error:
        raise _not_yaml(error, path) from None
    return tuple(builder.documents)


def _not_yaml(error: Exception, path: str) -> InvalidYaml:
    mark = getattr(error, "problem_mark", None)
    place = f"{path}:{mark.line + 1}" if mark is not None else path
    why = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is malformed"
    return InvalidYaml(f"{place}: cannot read it as YAML", str(why))


@dataclass(slots=True)
class _Open:
    """A collection that is being read, with the key that waits for its value."""

    node: List | Map
    anchor: str | None
    key: Scalar | None = None
    merged: list[tuple[Node, int]] = field(default_factory=list)


class _Builder:
    """Makes trees of events, without recursion."""

    def __init__(self, path: str) -> None:
        self.documents: list[Node] = []
        self._path = path
        self._open: list[_Open] = []
        # None: it is being read, so an alias to it would be a loop.
        self._anchors: dict[str, Node | None] = {}
        self._total = 0

    def take(self, event: Any) -> None:
        """Read one event of PyYAML."""
        line = event.start_mark.line + 1
        match type(event).__name__:
            case "DocumentStartEvent":
                self._anchors = {}
            case "ScalarEvent":
                self._refuse_python(event.tag, line)
                # The content of `|` and `>` begins below.
                scalar = Scalar(
                    "" if event.tag == "!reset" else event.value,
                    line + (event.style in ("|", ">")),
                    event.implicit[0] or event.tag == "!reset",
                )
                if event.anchor is not None:
                    self._anchors[event.anchor] = scalar
                self._add(scalar, line)
            case "AliasEvent":
                found = self._anchors.get(event.anchor)
                if found is None:
                    inside = event.anchor in self._anchors
                    why = "stands inside of what it names" if inside else "names nothing above it"
                    raise self._invalid(line, f"the alias `*{event.anchor[:50]}` {why}")
                self._add(found, line)
            case "SequenceStartEvent" | "MappingStartEvent" as name:
                self._refuse_python(event.tag, line)
                if len(self._open) >= DEPTH:
                    raise self._invalid(line, f"it is nested more than {DEPTH} levels deep")
                if event.anchor is not None:
                    self._anchors[event.anchor] = None
                node = List(line) if name.startswith("Seq") else Map(line)
                self._open.append(_Open(node, event.anchor))
            case "SequenceEndEvent" | "MappingEndEvent":
                self._close(line)

    def _add(self, node: Node, line: int) -> None:
        """Put a finished node where it belongs."""
        size = 1 if isinstance(node, Scalar) else node.size
        depth = 1 if isinstance(node, Scalar) else node.depth
        if not self._open:
            self._total += size
            if self._total > SIZE:
                raise self._too_large(line)
            if not (isinstance(node, Scalar) and node.null):
                self.documents.append(node)
            return
        top = self._open[-1]
        top.node.size += size
        top.node.depth = max(top.node.depth, depth + 1)
        if top.node.size > SIZE:
            raise self._too_large(line)
        if top.node.depth > DEPTH:
            raise self._invalid(line, f"it is nested more than {DEPTH} levels deep")
        if isinstance(top.node, List):
            top.node.items.append(node)
        elif top.key is None:
            if not isinstance(node, Scalar):
                raise self._invalid(line, "a key is a list or a mapping, and no text")
            top.key = node
        else:
            key, top.key = top.key, None
            self._entry(top, key, node, line)

    def _entry(self, top: _Open, key: Scalar, value: Node, line: int) -> None:
        assert isinstance(top.node, Map)  # noqa: S101 - only mappings have keys
        if key.text == "<<" and key.plain:
            top.merged.append((value, line))
        elif key.text in top.node.entries:
            raise self._invalid(
                key.line, f"the key `{key.text[:50]}` stands twice in the same mapping"
            )
        else:
            top.node.entries[key.text] = value

    def _close(self, line: int) -> None:
        top = self._open.pop()
        for value, at in top.merged:
            assert isinstance(top.node, Map)  # noqa: S101 - only mappings merge
            sources = value.items if isinstance(value, List) else [value]
            for source in sources:
                if not isinstance(source, Map):
                    raise self._invalid(at, "`<<` merges something that is no mapping")
                for key, inner in source.entries.items():
                    top.node.entries.setdefault(key, inner)
        if top.anchor is not None:
            self._anchors[top.anchor] = top.node
        self._add(top.node, line)

    def _refuse_python(self, tag: str | None, line: int) -> None:
        if tag is not None and tag.startswith(_PYTHON):
            raise self._invalid(line, "it asks for a Python object, which is never made")

    def _too_large(self, line: int) -> InvalidYaml:
        return self._invalid(line, f"with its aliases followed it has more than {SIZE} values")

    def _invalid(self, line: int, why: str) -> InvalidYaml:
        return InvalidYaml(f"{self._path}:{line}: cannot read it as YAML", why)
