"""The platform that this machine runs images for."""

from __future__ import annotations

import platform

from regsync.oci.platform import Platform

# What kernels call processors that `Platform.normalized` does not know by that name.
_KERNEL_NAMES = {
    "armv8l": "arm/v7",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
    "armv5tel": "arm/v5",
    "i486": "386",
    "i586": "386",
    "i686": "386",
    "loongarch64": "loong64",
}


def machine_platform() -> Platform:
    """`linux` on this machine's processor: containers are Linux on macOS and Windows too."""
    name = platform.machine().lower()
    return Platform.parse(f"linux/{_KERNEL_NAMES.get(name, name) or 'amd64'}")
