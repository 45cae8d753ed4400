"""Which program `regsync` means on this machine: regclient ships another one of that name."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from regsync.operations.doctor.steps import Finding, warning

Kind = Literal["this", "another installation", "another program"]
_GLANCE = 4096
_NAMES = ("regsync", "regsync.exe") if sys.platform == "win32" else ("regsync",)


@dataclass(frozen=True, slots=True)
class Program:
    """A file called `regsync`, and what it is as far as its first bytes tell."""

    path: Path
    kind: Kind


def on_path(env: Mapping[str, str], own: Path | None = None) -> tuple[Program, ...]:
    """The files called `regsync` on PATH, in the order in which a shell finds them.

    Args:
        own: The script of this very installation; None for the one beside this Python.
    """
    own = own or Path(sys.executable).parent / _NAMES[0]
    found: dict[Path, Program] = {}
    for folder in env.get("PATH", "").split(os.pathsep):
        for name in _NAMES:
            file = Path(folder or ".") / name
            try:
                if file.is_file() and os.access(file, os.X_OK):
                    # A folder may be there twice, and one may be a link to another.
                    found.setdefault(file.resolve(), Program(file, _kind(file, own)))
            except (OSError, ValueError, RuntimeError):
                # A name that is too long, or a loop of links: shells find nothing there either.
                continue
    return tuple(found.values())


def judge(programs: tuple[Program, ...]) -> Finding:
    """Whether typing `regsync` starts this program."""
    if not programs:
        return warning(
            "there is no `regsync` on PATH",
            "put the folder of this installation on PATH, or start `python -m regsync`",
        )
    first, others = programs[0], [one for one in programs[1:] if one.kind != "this"]
    if first.kind == "another program":
        return warning(
            f"`regsync` starts {first.path}, which is another program: regclient's mirroring tool "
            "has this name",
            "put this installation's folder before it on PATH, or start `python -m regsync`",
        )
    if first.kind == "another installation":
        return warning(
            f"`regsync` starts {first.path}, another installation of this program",
            "remove one of the two, or look at the order of PATH",
        )
    if others:
        told = ", ".join(f"{one.path} ({one.kind})" for one in others)
        return warning(
            f"`regsync` starts this program, {first.path}; hidden behind it: {told}",
            "scripts that mean the other one need its whole path",
        )
    return Finding(f"`regsync` starts this program, {first.path}")


def _kind(file: Path, own: Path) -> Kind:
    try:
        if file.resolve() == own.resolve():
            return "this"
        with file.open("rb") as stream:
            head = stream.read(_GLANCE)
    except OSError:
        return "another program"
    # What pip and pipx write: a script that imports us; regclient's is a binary.
    ours = head.startswith(b"#!") and b"regsync" in head.partition(b"\n")[2] and b"import" in head
    return "another installation" if ours else "another program"
