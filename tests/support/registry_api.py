"""A thin HTTP client for tests of mock_registry: requests by hand, nothing clever."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import httpx

from mock_registry import MockRegistry, Record, seed

Start = Callable[..., "Api"]
"""Starts a registry with the options of `MockRegistry` and connects to it."""


def digest(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def code(answer: httpx.Response) -> str:
    """The code of an error answer, whose form is checked on the way."""
    assert answer.headers["Content-Type"] == "application/json"
    [error] = answer.json()["errors"]
    assert set(error) == {"code", "message", "detail"}
    return str(error["code"])


class Api(httpx.Client):
    """A client of one registry."""

    def __init__(self, registry: MockRegistry, **options: Any) -> None:
        super().__init__(base_url=registry.url, trust_env=False, **options)
        self.registry = registry

    @property
    def last(self) -> Record:
        """What the registry noted about the latest request."""
        return self.registry.log.records[-1]

    def begin(self, repository: str = "app", **options: Any) -> str:
        """Open an upload and return its location."""
        answer = self.post(f"/v2/{repository}/blobs/uploads/", **options)
        assert answer.status_code == 202
        return str(answer.headers["Location"])

    def push(self, data: bytes, repository: str = "app") -> str:
        """Push a blob and return its digest."""
        answer = self.post(f"/v2/{repository}/blobs/uploads/?digest={digest(data)}", content=data)
        assert answer.status_code == 201
        return digest(data)

    def push_manifest(
        self,
        data: bytes,
        reference: str = "latest",
        repository: str = "app",
        media_type: str = "application/vnd.oci.image.manifest.v1+json",
    ) -> httpx.Response:
        return self.put(
            f"/v2/{repository}/manifests/{reference}",
            content=data,
            headers={"Content-Type": media_type},
        )

    def push_image(self, image: seed.Image, *tags: str, repository: str = "app") -> str:
        for blob in (image.config, *image.layers):
            self.push(blob.data, repository)
        for reference in tags or (image.digest,):
            answer = self.push_manifest(image.manifest, reference, repository, image.media_type)
            assert answer.status_code == 201
        return image.digest
