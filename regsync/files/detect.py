"""What kind of file it is, by its name and by what it says; decided without parsing it."""

from __future__ import annotations

import re
from enum import Enum, auto


class FileKind(Enum):
    """The kinds of files that are understood."""

    DOCKERFILE = auto()
    COMPOSE = auto()
    KUBERNETES = auto()
    KUSTOMIZATION = auto()
    VALUES = auto()


_DOCKERFILE_NAME = re.compile(
    r"(?:Dockerfile|Containerfile)(?:[.-].*)?|.*\.(?:Dockerfile|Containerfile)", re.IGNORECASE
)
_COMPOSE_NAME = re.compile(r"(?:docker-|podman-)?compose(?:[.-].*)?\.ya?ml", re.IGNORECASE)
_KUSTOMIZATION_NAME = re.compile(r"kustomization(?:\.ya?ml)?", re.IGNORECASE)
_VALUES_NAME = re.compile(r"(?:.*[._-])?values(?:[._-].*)?\.ya?ml", re.IGNORECASE)
_YAML_NAME = re.compile(r".*\.(?:ya?ml|json)", re.IGNORECASE)
_NO_DOCKERFILE = re.compile(r".*\.(?:ya?ml|json|md|sh|py|dockerignore)", re.IGNORECASE)

_API_VERSION = re.compile(r"""^[ \t-]*["']?apiVersion["']?[ \t]*:|["']apiVersion["']\s*:""", re.M)
_KIND = re.compile(r"""^[ \t]*["']?kind["']?[ \t]*:|["']kind["']\s*:""", re.M)
_SERVICES = re.compile(r"""^["']?(?:services|include)["']?[ \t]*:""", re.M)
_FIRST = re.compile(
    # Possessive: a comment that ends in `\r\n` can be read in two ways, n of them in 2 to the n.
    r"\ufeff?(?:[ \t]*(?:#.*)?\r?\n)*+[ \t]*(?:FROM[ \t]+\S|ARG[ \t]+[A-Za-z_])",
    re.IGNORECASE,
)


def kind_of(name: str, text: str) -> FileKind | None:
    """The kind of a file, None where it is none that names images.

    Args:
        name: Without its folder; empty where it has none.
    """
    other = _NO_DOCKERFILE.fullmatch(name) is not None
    if _DOCKERFILE_NAME.fullmatch(name) and not other:
        return FileKind.DOCKERFILE
    if _COMPOSE_NAME.fullmatch(name):
        return FileKind.COMPOSE
    if _KUSTOMIZATION_NAME.fullmatch(name):
        return FileKind.KUSTOMIZATION
    if not name or _YAML_NAME.fullmatch(name):
        if _API_VERSION.search(text) and _KIND.search(text):
            return FileKind.KUBERNETES
        if _SERVICES.search(text):
            return FileKind.COMPOSE
        if _VALUES_NAME.fullmatch(name):
            return FileKind.VALUES
    return FileKind.DOCKERFILE if not other and _FIRST.match(text) else None


def is_usual(name: str) -> bool:
    """Whether a file in a folder is worth a look: its name may be one of those."""
    if _YAML_NAME.fullmatch(name):
        return not name.lower().endswith(".json")
    return kind_of(name, "") is not None
