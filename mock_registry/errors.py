"""Errors in the form of the distribution specification, section "Error Codes"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Self

# code -> (status usually sent with it, message)
CODES: Mapping[str, tuple[int, str]] = {
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "BLOB_UPLOAD_INVALID": (400, "blob upload invalid"),
    "BLOB_UPLOAD_UNKNOWN": (404, "blob upload unknown to registry"),
    "DIGEST_INVALID": (400, "provided digest did not match uploaded content"),
    "MANIFEST_BLOB_UNKNOWN": (404, "manifest references a manifest or blob unknown to registry"),
    "MANIFEST_INVALID": (400, "manifest invalid"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown to registry"),
    "NAME_INVALID": (400, "invalid repository name"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "SIZE_INVALID": (400, "provided length did not match content length"),
    "UNAUTHORIZED": (401, "authentication required"),
    "DENIED": (403, "requested access to the resource is denied"),
    "UNSUPPORTED": (405, "the operation is unsupported"),
    "TOOMANYREQUESTS": (429, "too many requests"),
    # Not of the specification, but of distribution's `registry/api/errcode/register.go`.
    "PAGINATION_NUMBER_INVALID": (400, "invalid number of results requested"),
    "RANGE_INVALID": (416, "invalid content range"),
    "TAG_INVALID": (400, "manifest tag did not match URI"),
    "UNKNOWN": (500, "unknown error"),
}


def document(code: str, message: str | None = None, detail: object = None) -> bytes:
    """The body of an error answer: ``{"errors": [{code, message, detail}]}``."""
    error = {
        "code": code,
        "message": message if message is not None else CODES[code][1],
        "detail": detail,
    }
    return json.dumps({"errors": [error]}).encode() + b"\n"


class RegistryError(Exception):
    """A request that is refused, as it will be told to the client.

    Args:
        code: One of `CODES`.
        message: Words for a person; the specification's own when None.
        detail: Anything JSON can hold, meant for programs.
        status: The HTTP status where it differs from the usual one of the code.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        detail: object = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.status = CODES[code][0] if status is None else status
        self.headers = dict(headers or {})
        self.body = document(code, message, detail)

    def saying(self, text: tuple[str, str] | None) -> Self:
        """The same with another body, given as its `Content-Type` and itself, or as it is."""
        if text is not None:
            self.headers["Content-Type"], body = text
            self.body = body.encode()
        return self


class Disconnected(Exception):
    """The client went away, or broke HTTP, while sending a body: nobody to answer."""
