"""Platforms: which operating system and processor an image is for (image-index § platform)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from regsync.errors import UsageError

_PART = re.compile(r"[A-Za-z0-9_.-]+")
_OS_ALIASES = {"macos": "darwin"}
# containerd/platforms `normalizeArch`: spellings that people and kernels use, to GOARCH names.
_ARCHITECTURE_ALIASES = {
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
# The variant that is meant when none is written; both spellings name one platform.
_DEFAULT_VARIANTS = {"arm64": "v8", "arm": "v7", "amd64": "v1"}


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """An `os`/`architecture`[/`variant`] triple, plus Windows' `os_version`."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `linux/arm64/v8`, `linux/amd64` or a lone `amd64` (of linux).

        Raises:
            UsageError: not one to three parts of letters, digits, `_`, `.` and `-`.
        """
        parts = text.split("/")
        if not 1 <= len(parts) <= 3 or not all(_PART.fullmatch(part) for part in parts):
            raise UsageError(
                f"`{text[:100]}` is not a platform",
                "expected OS/ARCHITECTURE[/VARIANT]",
                "for example `linux/amd64` or `linux/arm/v7`",
            )
        if len(parts) == 1:
            parts = ["linux", parts[0]]
        return cls(*parts).normalized()

    @classmethod
    def from_json(cls, fields: Mapping[str, object]) -> Self:
        """Read a descriptor's `platform`, an image config or an engine's answer."""

        def text(*names: str) -> str:
            values = (fields.get(name) for name in names)
            return next((value for value in values if isinstance(value, str)), "")

        return cls(
            os=text("os", "Os"),
            architecture=text("architecture", "Architecture"),
            variant=text("variant", "Variant"),
            os_version=text("os.version", "OsVersion"),
        ).normalized()

    def normalized(self) -> Self:
        """The same platform in GOOS/GOARCH names, variants kept as they are written."""
        os = self.os.lower()
        architecture = self.architecture.lower()
        variant = self.variant.lower()
        architecture, implied = _ARCHITECTURE_ALIASES.get(architecture, (architecture, ""))
        variant = variant or implied
        if variant and variant.isdigit():
            variant = f"v{variant}"
        return type(self)(_OS_ALIASES.get(os, os), architecture, variant, self.os_version)

    @property
    def known(self) -> bool:
        """False for `unknown/unknown`, which marks attestations, and for empty fields."""
        return self.os not in ("", "unknown") and self.architecture not in ("", "unknown")

    @property
    def effective_variant(self) -> str:
        """The variant with the default filled in: arm64 means v8, arm v7, amd64 v1."""
        return self.variant or _DEFAULT_VARIANTS.get(self.architecture, "")

    def same(self, other: Platform) -> bool:
        """Whether both name one platform, defaults filled in.

        Windows images differ by kernel build, so the first three numbers of `os_version` count
        where both sides have one.
        """
        if (self.os, self.architecture) != (other.os, other.architecture):
            return False
        if self.effective_variant != other.effective_variant:
            return False
        if self.os == "windows" and self.os_version and other.os_version:
            return self.os_version.split(".")[:3] == other.os_version.split(".")[:3]
        return True

    def __str__(self) -> str:
        tail = f"/{self.variant}" if self.variant else ""
        return f"{self.os}/{self.architecture}{tail}"
