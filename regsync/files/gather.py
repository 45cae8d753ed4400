"""All that some files and folders name, with the files that these build on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from regsync.errors import InvalidFile, RegsyncError, Unresolved
from regsync.files import compose, dockerfile, dotenv, kubernetes, yamlfile
from regsync.files.detect import FileKind, is_usual, kind_of
from regsync.files.exclude import Excluding
from regsync.files.found import Follow, Found, Mention, Place, Renames
from regsync.files.reading import NoText, decoded, files_in, text_of

STDIN = "-"
FILES, MENTIONS = 2_000, 10_000
"""How many files are read, and how many images they may name in all."""
_KINDS = (
    "a compose file, a Dockerfile, a Kubernetes manifest, a Kustomization or Helm values; "
    "a Dockerfile of another name begins with FROM or ARG"
)
_MANIFESTS = frozenset({FileKind.KUBERNETES, FileKind.KUSTOMIZATION})
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_SHOWN = "(standard input)"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found.

    Attributes:
        files: How many files were read.
        mentions: The images, in the order of the files.
        failures: Names that cannot be told, and files that cannot be read or understood.
        passed: What may name an image, and may as well be something else.
        idle_excludes: Patterns that left no file out.
    """

    files: int
    mentions: tuple[Mention, ...]
    failures: tuple[RegsyncError, ...]
    passed: tuple[Place, ...] = ()
    idle_excludes: tuple[str, ...] = ()


def gather(
    paths: Sequence[str],
    env: Mapping[str, str],
    stdin: Callable[[], bytes] = bytes,
    exclude: Sequence[str] = (),
) -> Gathered:
    """Read files, the usual ones of folders, and standard input for `-`.

    A file that cannot be understood is a failure among the others.

    Args:
        env: Values for the variables of compose files, which go before those of `.env`. A file can
            send them to any host that it names, so this is never the whole environment.
        stdin: Reads standard input to its end.
        exclude: Patterns of files below the folders that are not to be read; see `Excluding`.

    Raises:
        InvalidFile: what was named is not there, is of no known kind, or holds nothing to read.
    """
    excluding = Excluding(exclude)
    gathering = _Gathering(env, excluding)
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            gathering.folder(path)
            continue
        try:
            if path == STDIN:
                shown, name, text = _SHOWN, "", decoded(stdin(), _SHOWN)
            else:
                shown, name, text = path, os.path.basename(path), text_of(path)
        except NoText as error:
            gathering.fail(error)
            continue
        kind = kind_of(name, text)
        if kind is None:
            raise InvalidFile(f"`{shown}` is no file that names images", f"it is neither {_KINDS}")
        gathering.add(_Source(shown, text, kind))
    return replace(gathering.read(), idle_excludes=excluding.idle)


@dataclass(frozen=True, slots=True)
class _Source:
    path: str
    text: str
    kind: FileKind
    arguments: Mapping[str, str] = field(default_factory=dict)
    contexts: frozenset[str] = frozenset()
    env: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def key(self) -> tuple[object, ...]:
        """The same file read in the same way is read once."""
        where = os.path.realpath(self.path)
        return (where, self.kind, tuple(sorted(self.arguments.items())), self.contexts)


class _Gathering:
    def __init__(self, env: Mapping[str, str], excluding: Excluding) -> None:
        self._env = env
        self._excluding = excluding
        self._sources: list[_Source] = []
        self._done: set[tuple[object, ...]] = set()
        # Dockerfiles that a compose file builds are read with its arguments, and not again without.
        self._built: set[str] = set()
        self._mentions: list[Mention] = []
        self._failures: list[RegsyncError] = []
        self._passed: dict[Place, None] = {}
        self._renames: list[tuple[str, Renames]] = []

    def add(self, source: _Source) -> None:
        """Have a file read."""
        self._sources.append(source)

    def fail(self, error: RegsyncError) -> None:
        """Note what cannot be read."""
        self._failures.append(error)

    def folder(self, folder: str) -> None:
        """Have the files of a folder read that name images."""
        found, left_out = False, 0
        for path in files_in(folder, self.fail):
            name = os.path.basename(path)
            if not is_usual(name):
                continue
            if self._excluding.matches(os.path.relpath(path, folder)):
                left_out += 1
                continue
            try:
                text = text_of(path)
            except InvalidFile as error:
                self._failures.append(error)
                found = True
                continue
            kind = kind_of(name, text)
            if kind is not None:
                self.add(_Source(os.path.normpath(path), text, kind))
                found = True
        if not found:
            why = f"none is {_KINDS}" if not left_out else f"{left_out} are left out by `--exclude`"
            raise InvalidFile(f"`{folder}` has no file that names images", why)

    def read(self) -> Gathered:
        """Read everything, and what it builds on."""
        # Compose files first: they know the arguments of the Dockerfiles that they build.
        waiting = sorted(self._sources, key=lambda source: source.kind is not FileKind.COMPOSE)
        while waiting:
            source = waiting.pop(0)
            standalone = source.kind is FileKind.DOCKERFILE and source.env is None
            if source.key in self._done or (
                standalone and os.path.realpath(source.path) in self._built
            ):
                continue
            self._done.add(source.key)
            if len(self._done) > FILES:
                raise InvalidFile("cannot read all files", f"there are more than {FILES}")
            waiting[:0] = self._one(source)
            if len(self._mentions) > MENTIONS:
                raise InvalidFile("cannot look up all images", f"there are more than {MENTIONS}")
        mentions = [mention for mention in self._mentions if not self._renamed(mention)]
        return Gathered(
            len(self._done),
            tuple(dict.fromkeys(mentions)),
            tuple(_once(self._failures)),
            tuple(self._passed),
        )

    def _one(self, source: _Source) -> list[_Source]:
        """Read one file; returns those that it builds on."""
        env = source.env if source.env is not None else self._values(source.path, self._env)
        try:
            found = _parsed(source, env)
        except InvalidFile as error:
            self._failures.append(error)
            return []
        self._mentions += sorted(found.mentions, key=lambda mention: mention.place.line)
        self._failures += found.unresolved
        self._passed.update(dict.fromkeys(found.passed))
        folder = os.path.dirname(source.path)
        self._renames += [(folder, renames) for renames in found.renames]
        followed = (self._followed(follow, folder, env) for follow in found.follows)
        return [one for one in followed if one is not None]

    def _followed(self, follow: Follow, folder: str, env: Mapping[str, str]) -> _Source | None:
        path = os.path.normpath(os.path.join(folder, follow.path))
        if follow.kind == "manifest":
            path = _kustomization_in(path)
        try:
            text = text_of(path)
        except InvalidFile as error:
            self._failures.append(_not_followed(follow.place, path, error))
            return None
        if follow.kind == "manifest":
            kind = kind_of(os.path.basename(path), text)
            # Other resources, such as a list of custom kinds' names, name no images.
            return _Source(path, text, kind, env=env) if kind in _MANIFESTS else None
        if follow.kind == "compose":
            return _Source(path, text, FileKind.COMPOSE, env=self._values(path, env))
        self._built.add(os.path.realpath(path))
        return _Source(path, text, FileKind.DOCKERFILE, follow.arguments, follow.contexts, env)

    def _values(self, path: str, env: Mapping[str, str]) -> Mapping[str, str]:
        """What was given, and below it the `.env` beside a compose file, where there is one."""
        beside = os.path.join(os.path.dirname(path), ".env")
        if path == _SHOWN or not os.path.isfile(beside):
            return env
        try:
            return dotenv.parse(text_of(beside), env)
        except InvalidFile as error:
            self._failures.append(error)
            return env

    def _renamed(self, mention: Mention) -> bool:
        """Whether a Kustomization puts another name in place of this one."""
        name = kubernetes.without_tag(mention.text)
        return any(
            name in renames.names and _covers(folder, renames, mention.place.path)
            for folder, renames in self._renames
        )


def _kustomization_in(path: str) -> str:
    """What a Kustomization means by a folder: the Kustomization there."""
    if not os.path.isdir(path):
        return path
    names = [os.path.join(path, name) for name in _KUSTOMIZATIONS]
    return next((name for name in names if os.path.isfile(name)), names[0])


def _covers(folder: str, renames: Renames, path: str) -> bool:
    path = os.path.abspath(path)
    roots = (os.path.abspath(os.path.join(folder, each)) for each in renames.resources)
    return any(path == root or path.startswith(root + os.sep) for root in roots)


def _not_followed(place: Place, path: str, error: InvalidFile) -> Unresolved:
    return Unresolved(f"{place}: cannot read `{path}`, which it builds on", error.why)


def _parsed(source: _Source, env: Mapping[str, str]) -> Found:
    text, path = source.text, source.path
    match source.kind:
        case FileKind.DOCKERFILE:
            if len(text) > dockerfile.SIZE_LIMIT:
                raise InvalidFile(f"cannot read `{path}`", "no Dockerfile is larger than 1 MiB")
            return dockerfile.parse(
                text, path, arguments=source.arguments, contexts=source.contexts
            )
        case FileKind.COMPOSE:
            return compose.parse(yamlfile.documents(text, path), path, env)
        case FileKind.KUSTOMIZATION:
            return kubernetes.as_kustomization(yamlfile.documents(text, path), path)
        case FileKind.VALUES:
            return kubernetes.parse_values(yamlfile.documents(text, path), path)
        case FileKind.KUBERNETES:
            try:
                return kubernetes.parse(yamlfile.documents(text, path), path)
            except yamlfile.InvalidYaml:
                if "{{" not in text:
                    raise
                return kubernetes.parse_template(text, path)


def _once(failures: Sequence[RegsyncError]) -> list[RegsyncError]:
    return list({str(failure): failure for failure in failures}.values())
