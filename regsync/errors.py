"""Every error that regsync shows to a user.

```
RegsyncError              anything that ends or narrows what was asked
└── UsageError            the request itself cannot be understood          exit 2
    └── InvalidReference  a reference breaks the grammar                   exit 2
└── ContentError          bytes from elsewhere cannot be trusted           exit 7
    ├── InvalidDigest     not a digest, or of an unsupported algorithm
    └── InvalidManifest   ambiguous, malformed or oversized document
```

An error carries *what* failed, *why*, and a *hint* on how to go on. Only `cli/` prints it.
"""

from __future__ import annotations


class RegsyncError(Exception):
    """Superclass of all errors meant for users. Never raised directly.

    Args:
        what: What could not be done, one line without a full stop.
        why: The reason in the user's words, as exact as it is known.
        hint: What to do next, or None where there is nothing honest to say.
    """

    code = "error"
    exit_code = 1

    def __init__(self, what: str, why: str = "", hint: str | None = None) -> None:
        super().__init__(what if not why else f"{what}: {why}")
        self.what = what
        self.why = why
        self.hint = hint


class UsageError(RegsyncError):
    """The request itself cannot be understood."""

    code = "usage"
    exit_code = 2


class InvalidReference(UsageError):
    """A reference breaks the grammar of distribution/reference."""

    code = "invalid_reference"


class ContentError(RegsyncError):
    """Bytes received from elsewhere cannot be trusted."""

    code = "unverified"
    exit_code = 7


class InvalidDigest(ContentError):
    """Not a digest, or one of an algorithm that cannot be verified here."""

    code = "invalid_digest"


class InvalidManifest(ContentError):
    """A manifest or index is ambiguous, malformed or too large."""

    code = "invalid_manifest"
