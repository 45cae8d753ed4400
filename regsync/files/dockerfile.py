"""Dockerfiles: the images that a build starts from, copies from, mounts and is read by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from regsync.errors import InvalidFile
from regsync.files.found import Found, Place
from regsync.files.instructions import Instruction, Word, read
from regsync.files.variables import LIMIT, NotKnown, expand

SIZE_LIMIT = 1024 * 1024
"""Bytes that a Dockerfile may have."""
STAGES = 1000
"""Stages that a Dockerfile may have: a name with a variable is compared with each."""
_HINT = "give the ARG a default, or name the image in full"
_IN_FULL = "name the image in full"
_NO_VARIABLES = "`from` takes no variables; a stage of its own can (`FROM … AS …`)"
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+")
_NOTHING: Mapping[str, str] = MappingProxyType({})


def parse(
    text: str,
    path: str,
    *,
    arguments: Mapping[str, str] = _NOTHING,
    contexts: Iterable[str] = (),
    first_line: int = 1,
    user: str = "",
) -> Found:
    """The images that a Dockerfile or Containerfile names.

    Stages, stage numbers, named contexts and `scratch` are none. Build arguments have the values of
    `arguments`, else their defaults; one without either is told as unresolved.

    Args:
        first_line: The number of its first line, where it stands in another file.
        user: What is put before the names of stages: a service.

    Raises:
        InvalidFile: a here-document has no end, or there are too many stages.
    """
    script = read(text, path, first_line)
    reader = _Reader(path, script.escape, arguments, contexts, user)
    if script.syntax is not None:
        place = Place(path, script.syntax.line, reader.named("syntax"), script.syntax.text)
        reader.found.mention(script.syntax.text, place)
    for instruction in script.instructions:
        reader.take(instruction)
    return reader.found


class _Reader:
    """What is known of a build at one of its instructions."""

    def __init__(
        self,
        path: str,
        escape: str,
        arguments: Mapping[str, str],
        contexts: Iterable[str],
        user: str,
    ) -> None:
        self.found = Found()
        self._path = path
        self._escape = escape
        self._given = arguments
        self._user = user
        self._values: dict[str, str] = {}
        # Of arguments without a value: why their defaults give none.
        self._causes: dict[str, NotKnown] = {}
        # Of what is no image: contexts by name, then each stage that has begun.
        self._stages = {name.lower() for name in contexts}
        self._count = 0
        self._stage = ""

    def named(self, name: str) -> str:
        """A name for people, with the service that builds this before it."""
        return f"{self._user}: {name}" if self._user else name

    def take(self, instruction: Instruction) -> None:
        """Read one instruction."""
        words = instruction.words
        match instruction.keyword:
            case "ONBUILD" if words:
                inner = Instruction(words[0].text.upper(), words[1:], instruction.line)
                if inner.keyword in ("COPY", "RUN"):
                    self.take(inner)
            case "FROM":
                self._from(words)
            # Only those above the first FROM have a meaning in a FROM.
            case "ARG" if self._count == 0:
                for word in words:
                    self._argument(word)
            case "COPY":
                for option in _options(words):
                    if option.text.lower().startswith("--from="):
                        self._uses(Word(option.text[7:], option.line), "COPY --from")
            case "RUN":
                for option in _options(words):
                    if option.text.lower().startswith("--mount="):
                        self._mount(option)

    def _argument(self, word: Word) -> None:
        name, equals, default = word.text.partition("=")
        self._causes.pop(name, None)
        if name in self._given:
            self._values[name] = self._given[name]
        elif equals:
            try:
                self._values[name] = self._expanded(default)
            except NotKnown as error:
                # Told where it is used; a value from before is no longer the right one.
                self._values.pop(name, None)
                self._causes[name] = self._cause(error, name)

    def _cause(self, error: NotKnown, name: str = "") -> NotKnown:
        """Why a text cannot be filled in: where a default is to blame, what is wrong with that.

        Args:
            name: The argument whose default the text is.
        """
        if error.name in self._causes:
            return self._causes[error.name]
        if name and not error.name:
            return NotKnown(f"the default of `{name}` cannot be told: {error}")
        return error

    def _from(self, words: tuple[Word, ...]) -> None:
        words = tuple(words[len(_options(words)) :])
        self._count += 1
        if self._count > STAGES:
            raise InvalidFile(f"cannot read `{self._path}`", f"it has more than {STAGES} stages")
        self._stage = f"stage {self._count - 1}"
        if not words:
            return
        name = ""
        if len(words) > 2 and words[1].text.lower() == "as":
            name = self._stage = words[2].text
        self._base(words[0])
        if name:
            self._stages.add(name.lower())

    def _base(self, word: Word) -> None:
        place = Place(self._path, word.line, self.named(self._stage), word.text)
        try:
            text = self._expanded(word.text)
        except NotKnown as error:
            if not self._may_be_stage(word.text):
                cause = self._cause(error)
                self.found.doubt(place, str(cause), _HINT if cause.name else _IN_FULL)
            return
        if not text:
            self.found.doubt(place, "filled in it is empty", _HINT)
        elif text.lower() not in self._stages:
            self.found.mention(text, place)

    def _may_be_stage(self, text: str) -> bool:
        """Whether `base-${TARGETARCH}` is the family of the stages `base-amd64`, `base-arm64`."""
        if len(text) > LIMIT:
            return False
        parts = [part.lower() for part in _VARIABLE.split(_bare(text))]
        return any(parts) and any(_fits(stage, parts) for stage in self._stages)

    def _mount(self, option: Word) -> None:
        for field in _bare(option.text[len("--mount=") :]).split(","):
            key, _, value = field.partition("=")
            if key.lower() == "from":
                self._uses(Word(value, option.line), "RUN --mount")

    def _uses(self, word: Word, what: str) -> None:
        text = _bare(word.text)
        place = Place(self._path, word.line, self.named(what), word.text)
        if "$" in text:
            self.found.doubt(place, _NO_VARIABLES)
        elif (
            text and not text.isdigit() and text.lower() not in self._stages | {self._stage.lower()}
        ):
            self.found.mention(text, place)

    def _expanded(self, text: str) -> str:
        return expand(_bare(text), self._values, escape=self._escape)


def _options(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words at the start that are options: `--platform=…`."""
    count = next((at for at, word in enumerate(words) if word.text[:2] != "--"), len(words))
    return words[:count]


def _bare(text: str) -> str:
    """A word without the quotes around it, or around its value."""
    return text.replace('"', "").replace("'", "")


def _fits(stage: str, parts: list[str]) -> bool:
    """Whether a name consists of these parts with something between them."""
    if len(parts) < 2 or not (stage.startswith(parts[0]) and stage.endswith(parts[-1])):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = stage.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return at <= len(stage) - len(parts[-1])
