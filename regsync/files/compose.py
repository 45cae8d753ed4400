"""Compose files: the images of services, and the files that they build on (compose-spec)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from regsync.errors import InvalidFile
from regsync.files import dockerfile
from regsync.files.found import Follow, Found, Place, is_elsewhere
from regsync.files.variables import NotKnown, expand
from regsync.files.yamlfile import List, Map, Node, Scalar

_HINT = (
    "`--env NAME` takes it from the environment; or set it in `.env`, or give it a default: "
    "`${NAME:-…}`"
)
_IMAGE = "docker-image://"
# Where nothing is pulled, the name is one of this machine and no registry's business.
_NOT_PULLED = frozenset({"build", "never"})


def parse(documents: Sequence[Node], path: str, values: Mapping[str, str]) -> Found:
    """The images that a compose file names, of all profiles.

    No image is what a service builds (`build`), nor what it may not pull (`pull_policy`).

    Args:
        values: What its variables stand for: what the user gives, and `.env` beside it.
    """
    reader = _Reader(path, values)
    for root in documents:
        if isinstance(root, Map):
            services = root.map("services")
            for name, service in services.entries.items() if services is not None else ():
                if isinstance(service, Map):
                    reader.service(name, service)
            reader.include(root.get("include"))
    return reader.found


class _Reader:
    def __init__(self, path: str, values: Mapping[str, str]) -> None:
        self.found = Found()
        self._path = path
        self._values = values

    def service(self, name: str, service: Map) -> None:
        """Read one service."""
        image, build = service.scalar("image"), service.get("build")
        policy = service.scalar("pull_policy")
        pulled = policy is None or policy.text not in _NOT_PULLED
        if image is not None and build is None and pulled:
            self._image(image, name)
        for volume in service.list("volumes"):
            if isinstance(volume, Map):
                self._image_volume(volume, name)
        extends = service.map("extends")
        if extends is not None and (file := extends.scalar("file")) is not None:
            self._follow(file, name)
        if isinstance(build, Scalar):
            self._build(Map(build.line, {"context": build}), name)
        elif isinstance(build, Map):
            self._build(build, name)

    def include(self, node: Node | None) -> None:
        """Read what the whole file includes."""
        for each in node.items if isinstance(node, List) else ():
            if isinstance(each, Scalar):
                self._follow(each, "include")
            elif isinstance(each, Map):
                one = each.scalar("path")
                for file in [one] if one is not None else each.list("path"):
                    if isinstance(file, Scalar):
                        self._follow(file, "include")

    def _image(self, scalar: Scalar, name: str) -> None:
        place = self._place(scalar, name)
        if scalar.no_text:
            self.found.refuse_number(place)
            return
        text = self._expanded(scalar.text, place)
        if text:
            self.found.mention(text, place)
        elif text is not None:
            self.found.doubt(place, "filled in it is empty", _HINT)

    def _image_volume(self, volume: Map, name: str) -> None:
        kind, source = volume.scalar("type"), volume.scalar("source")
        if kind is not None and kind.text == "image" and source is not None:
            self._image(source, name)

    def _build(self, build: Map, name: str) -> None:
        contexts = set()
        for key, value in _pairs(build.get("additional_contexts")):
            contexts.add(key)
            if value is not None and value.text.startswith(_IMAGE):
                image = Scalar(value.text.removeprefix(_IMAGE), value.line)
                self._image(image, f"{name}: {key}")
        arguments = self._arguments(build)
        inline = build.scalar("dockerfile_inline")
        if inline is not None:
            self._inline(inline, name, arguments, contexts)
            return
        context = build.scalar("context") or Scalar(".", build.line)
        place = self._place(context, name)
        folder = self._expanded(context.text, place)
        if folder is None:
            return
        if is_elsewhere(folder):
            self.found.doubt(place, "it is built from elsewhere, where nothing is looked up")
            return
        file = build.scalar("dockerfile") or Scalar("Dockerfile", context.line)
        place = self._place(file, name)
        tail = self._expanded(file.text, place)
        if tail is not None:
            path = f"{folder}/{tail}" if not tail.startswith("/") else tail
            self.found.follows.append(
                Follow(path, place, "dockerfile", arguments, frozenset(contexts))
            )

    def _inline(
        self, inline: Scalar, name: str, arguments: Mapping[str, str], contexts: set[str]
    ) -> None:
        place = self._place(inline, name)
        try:
            # Compose fills in its own variables first; `$$` leaves a `$` to the Dockerfile.
            text = expand(inline.text, self._values)
        except NotKnown:
            text = inline.text
        try:
            found = dockerfile.parse(
                text,
                self._path,
                arguments=arguments,
                contexts=contexts,
                first_line=inline.line,
                user=name,
            )
        except InvalidFile as error:
            self.found.doubt(place, error.why)
            return
        self.found.mentions += found.mentions
        self.found.unresolved += found.unresolved

    def _arguments(self, build: Map) -> dict[str, str]:
        """Build arguments; one without a value has that of the variable, if there is one."""
        found = {}
        for key, value in _pairs(build.get("args")):
            try:
                text = expand(value.text, self._values) if value else self._values[key]
            except (NotKnown, KeyError):
                # Told by the Dockerfile, where an image depends on it.
                continue
            found[key] = text
        return found

    def _follow(self, scalar: Scalar, name: str) -> None:
        place = self._place(scalar, name)
        path = self._expanded(scalar.text, place)
        if path is None:
            return
        if is_elsewhere(path):
            self.found.doubt(place, "it is another file elsewhere, which is not fetched")
        else:
            self.found.follows.append(Follow(path, place, "compose"))

    def _place(self, scalar: Scalar, name: str) -> Place:
        return Place(self._path, scalar.line, name, scalar.text)

    def _expanded(self, text: str, place: Place) -> str | None:
        """A text with its variables filled in; None where that was told as unresolved."""
        try:
            return expand(text, self._values)
        except NotKnown as error:
            self.found.doubt(place, str(error), _HINT if error.name else None)
            return None


def _pairs(node: Node | None) -> Iterator[tuple[str, Scalar | None]]:
    """A mapping, or a list of `KEY=VALUE`; None where a key has no value."""
    if isinstance(node, Map):
        for key in node.entries:
            yield key, node.scalar(key)
    elif isinstance(node, List):
        for each in node.items:
            if isinstance(each, Scalar):
                key, equals, value = each.text.partition("=")
                yield key, Scalar(value, each.line) if equals else None
