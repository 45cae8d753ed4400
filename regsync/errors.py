"""Every error that regsync shows to a user.

```
RegsyncError                 anything that ends or narrows what was asked
├── UsageError               the request itself cannot be understood        exit 2
│   ├── InvalidReference     a reference breaks the grammar
│   ├── InvalidConfig        a configuration file cannot be read or understood
│   └── InvalidFile          a file to look through cannot be read or understood
├── Unresolved               a file names an image by something unknown here  exit 3
├── ContentError             bytes from elsewhere cannot be trusted         exit 7
│   ├── InvalidDigest        not a digest, or of an unsupported algorithm
│   ├── InvalidManifest      ambiguous, malformed or oversized document
│   │   └── Unsupported      well-formed, and of a kind that is no image    exit 1
│   └── Unverified           the bytes do not fit the digest they came under
├── AuthError                who we are is missing or not enough            exit 4
│   ├── Unauthorized         the registry wants credentials, or others
│   ├── LoginFailed          the credentials were refused
│   └── CredentialsBroken    a configured source of credentials cannot be read
├── NotFound                 the registry has no such thing                 exit 5
├── PlatformMissing          the tag is there, and not for this platform    exit 5
├── RateLimited              asked too often; says when to come back        exit 6
│   └── KeptBack             not asked: no pull is left, or only those to keep
├── OutputFailed             what was asked for cannot be written        exit 1
├── StoreFailure             a local store cannot be asked or read          exit 1
│   ├── EngineUnreachable    no engine answers, or it may not be asked
│   └── StoreLocked          another run is writing to it                   exit 8
└── RegistryFailure          the registry could not be asked                exit 1
    ├── Unreachable          no connection: name, port, time-out
    ├── TlsFailed            no trust, or TLS where none was expected
    ├── InsecureRegistry     plain HTTP where TLS was expected
    ├── ServerFailed         5xx, or an answer that makes no sense
    ├── NotARegistry         something answers, and it is no registry
    └── Offline              it was not to be asked
```

An error carries *what* failed, *why*, and a *hint* on how to go on. Only `cli/` prints it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime


class RegsyncError(Exception):
    """Superclass of all errors meant for users. Never raised directly.

    Args:
        what: What could not be done, one line without a full stop.
        why: The reason in the user's words, as exact as it is known.
        hint: What to do next, or None where there is nothing honest to say.

    Attributes:
        about: The reference or repository that alone was asked for, in full, where one was.
    """

    code = "error"
    exit_code = 1
    about: str | None = None

    def __init__(self, what: str, why: str = "", hint: str | None = None) -> None:
        super().__init__(what if not why else f"{what}: {why}")
        self.what = what
        self.why = why
        self.hint = hint

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Change the texts that may hold words of others; *what* is of ours alone."""
        self.why = change(self.why)
        self.hint = None if self.hint is None else change(self.hint)
        self.args = (f"{self.what}: {self.why}" if self.why else self.what,)


class UsageError(RegsyncError):
    """The request itself cannot be understood."""

    code = "usage"
    exit_code = 2


class InvalidReference(UsageError):
    """A reference breaks the grammar of distribution/reference."""

    code = "invalid_reference"


class InvalidConfig(UsageError):
    """A configuration file cannot be read, or says something that has no meaning."""

    code = "invalid_config"


class InvalidFile(UsageError):
    """A file that was to be looked through for images cannot be read or understood."""

    code = "invalid_file"


class Unresolved(RegsyncError):
    """A file names an image by a variable that has no value here, or by a template.

    It is told and never guessed: what was asked for instead might be somebody else's image.

    Attributes:
        name: The name as the file has it, where it is one of an image.
    """

    code = "unresolved"
    exit_code = 3
    name: str = ""


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


class Unsupported(InvalidManifest):
    """A well-formed document of a kind that is no image: an artifact, or schema 1."""

    code = "unsupported"
    exit_code = 1


class Unverified(ContentError):
    """The bytes do not fit the digest under which they came."""


class AuthError(RegsyncError):
    """Who we are is missing or not enough. Never raised directly.

    Attributes:
        login: Where the login that was not enough came from; None where none was shown.
    """

    code = "unauthorized"
    exit_code = 4
    login: str | None = None


class Unauthorized(AuthError):
    """The registry wants credentials, or other ones; some hide what is missing behind this."""


class LoginFailed(AuthError):
    """The credentials were refused by the token endpoint."""

    code = "login_failed"


class CredentialsBroken(AuthError):
    """A source of credentials is configured and cannot be read; no other one is tried.

    Falling through has sent passwords to the wrong registry (CVE-2021-41092).
    """

    code = "credentials"


class NotFound(RegsyncError):
    """The registry has no such tag, digest or repository."""

    code = "not_found"
    exit_code = 5


class PlatformMissing(RegsyncError):
    """The reference exists, and holds nothing for the platform that was asked for.

    No `NotFound`: the tag is there, and must never be taken for one that is gone.
    """

    code = "platform_missing"
    exit_code = 5


class RateLimited(RegsyncError):
    """Asked too often.

    Args:
        retry_at: When it may work again, or None where the registry does not say.

    Attributes:
        counted: Whether a limit of pulls is used up (True), or requests of any kind were too many
            (False); None where it is not known.
    """

    code = "rate_limited"
    exit_code = 6
    counted: bool | None = None

    def __init__(
        self, what: str, why: str = "", hint: str | None = None, retry_at: datetime | None = None
    ) -> None:
        super().__init__(what, why, hint)
        self.retry_at = retry_at


class KeptBack(RateLimited):
    """Not asked: no pull is left, or only those that the user wants to keep."""


class OutputFailed(RegsyncError):
    """The answer is known, and standard output does not take it."""

    code = "output_failed"


class StoreFailure(RegsyncError):
    """A local store (an engine, a layout) cannot be asked, or its answer cannot be read."""

    code = "store_failed"


class EngineUnreachable(StoreFailure):
    """No engine answers, it went away, or this user may not ask it."""

    code = "engine_unreachable"


class StoreLocked(StoreFailure):
    """Another run is writing to the store, and does not come to an end."""

    code = "locked"
    exit_code = 8


class RegistryFailure(RegsyncError):
    """The registry could not be asked. Never raised directly."""

    code = "server_error"


class Unreachable(RegistryFailure):
    """No connection: the name does not resolve, nothing listens, or nothing answers in time."""

    code = "unreachable"


class TlsFailed(RegistryFailure):
    """The certificate is not trusted, or TLS is spoken where plain HTTP was expected."""

    code = "tls"


class InsecureRegistry(RegistryFailure):
    """Plain HTTP is spoken where TLS was expected."""

    code = "insecure_registry"


class ServerFailed(RegistryFailure):
    """The server failed, or its answer makes no sense."""


class NotARegistry(RegistryFailure):
    """Something answers there, and it is not a registry."""

    code = "not_a_registry"


class Offline(RegistryFailure):
    """The registry was not to be asked in this run."""

    code = "offline"
