"""Asks the keyring for one secret. A program, started by path: it imports nothing of regsync.

Standard input: `{"service": …, "username": …}`. Standard output: `{"secret": …}`, null where there
is none, or `{"error": [names of the exception's classes]}`: its text may hold anything.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    """Answer one question."""
    asked = json.load(sys.stdin)
    # Backends print, and the answer must stand alone.
    answer = os.dup(1)
    os.dup2(2, 1)
    told: dict[str, object]
    try:
        import keyring

        told = {"secret": keyring.get_password(asked["service"], asked["username"])}
    except Exception as error:
        told = {"error": [kind.__name__ for kind in type(error).__mro__]}
    os.write(answer, json.dumps(told).encode())


if __name__ == "__main__":
    main()
