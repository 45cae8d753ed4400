"""The smallest program that does nothing for as long as it is let: what a test's containers run.

An ELF file of one header, one segment and a few instructions (elf(5)), so that no compiler and no
base image is needed.
"""

from __future__ import annotations

import struct

_BASE = 0x400000
_HEADERS = 64 + 56

# pause(2) for ever: `mov eax, 34; syscall; jmp -9`.
_AMD64 = b"\xb8\x22\x00\x00\x00\x0f\x05\xeb\xf7"
# ppoll(2) without files and without end, for ever: `mov x0..x4, #0; mov x8, #73; svc #0; b -28`.
_ARM64 = struct.pack(
    "<8I",
    *(0xD2800000 | register for register in range(5)),
    0xD2800928,
    0xD4000001,
    0x17FFFFF9,
)


def _elf(machine: int, code: bytes) -> bytes:
    size = _HEADERS + len(code)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    start = _BASE + _HEADERS
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return ident + header + segment + code


PAUSE = {"amd64": _elf(62, _AMD64), "arm64": _elf(183, _ARM64)}
"""The program by architecture, as engines name it."""
