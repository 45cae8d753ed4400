"""Habits of real registries; `mock_registry.modes` has those of each one by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

WEEK = 7 * 24 * 3600.0
TOKEN_FIELDS = ("access_token", "expires_in", "issued_at", "token")

Text = tuple[str, str]
"""A body that is no JSON of the specification: its `Content-Type`, and itself."""


@dataclass(frozen=True)
class Limit:
    """The 429 of a registry that is asked too often.

    Attributes:
        headers: Where `{date}` and `{unix}` are the end of the wait as an HTTP date and in seconds
            since the epoch.
        message: What the error says; or, with `plain`, the whole body.
        wait: Seconds until it is over.
    """

    headers: Mapping[str, str] = field(default_factory=lambda: {"Retry-After": "60"}, hash=False)
    message: str = "too many requests"
    plain: bool = False
    wait: float = 60.0


@dataclass(frozen=True)
class Quirks:
    """Habits of real registries that the specification allows, or that are common all the same.

    Attributes:
        absolute_urls: Send `Location` and `Link` with scheme and host.
        anonymous_mount: Mount a blob without `from` out of any repository the client may read.
        min_chunk: Bytes of each chunk but the last (`OCI-Chunk-Min-Length`); smaller ones are 416.
        strict_state: Refuse an upload's older `Location` with 416.
        strict_length: Refuse to open an upload without `Content-Length: 0`.
        keep_partial: Keep the bytes of a chunk whose client went away, as distribution does.
        accept_mounts: Mount at all; otherwise each mount becomes an upload.
        accept_single_post: Take a blob in one POST; otherwise that becomes an upload.
        upload_life: Seconds after which an unfinished upload is forgotten.
        check_blobs: Refuse manifests that name content the repository does not hold.
        manifest_limit: Bytes of the largest manifest; the specification asks for 4 MiB.
        immutable_tags: Refuse to move a tag, with 409 DENIED.
        redirect_blobs: Send blobs from a second port, by 307 and a signature good for 300 s.
        warnings: Texts of `Warning` headers on every answer.
        front: Send everybody on to a second port, which is the registry.

        challenges: The `WWW-Authenticate` headers of a 401, in place of the usual one: formats of
            `{url}`, `{realm}`, `{service}`, and of `{scope}` and `{error}`, which are empty or a
            whole parameter with a comma before it.
        service: Whom tokens are for.
        realm: The path of the token endpoint.
        realm_elsewhere: Have the token endpoint at the second port.
        ping_scope: The scope in the challenge of a ping, which has none of its own.
        open_door: Answer everybody's ping with 200, and ask for tokens at the repositories alone.
        ping_body: The body of a ping and of its 401.
        refusal_body: The body of every other 401.
        token_body: The body of a token request that is refused.
        token_fields: What a GET of a token answers of `TOKEN_FIELDS`.
        token_post: Have the OAuth2 form of the token endpoint, which many registries lack.
        one_scope: Grant the first scope of a token request only.
        token_private: Status of a request for a token for what may not be read: 200 grants less.
        token_missing: The same for what is not there.
        denied: Status for somebody who is known and may not; 403 comes without a challenge.
        denied_challenge: The challenge of that where it is another one than before.
        wrong_password: Status for Basic credentials that are wrong; 403 comes without a challenge.
        wrong_password_text: What the error says then.
        hides_missing: Answer what is not there as what may not be read.
        missing_code: The error code in place of NAME_UNKNOWN and MANIFEST_UNKNOWN.

        no_digest: Methods whose manifests come without `Docker-Content-Digest`.
        no_head: Refuse HEAD of manifests with 405.
        etag: What the `ETag` of a manifest is.
        gzip: Compress manifests for those who do not ask for `identity`.
        strict_accept: Answer 404 for a manifest of a type that `Accept` does not name.
        converts: What those get whose `Accept` does not name an index's type: its first image, or a
            schema 1 manifest.

        page: Most entries of one answer of tags, catalog or referrers.
        no_pages: Ignore `n` and `last`, and list all tags at once.
        n_limit: Refuse a larger `n` of tags with 405.
        opaque_pages: Name the next page of tags by `next_page`, an opaque word, in place of `last`.
        short_links: Leave the first part of a repository's name out of `Link`.
        repeat_tags: Begin a page of tags with the last tag of the one before.
        oldest_first: List tags in the order in which they were made.
        null_tags: Send `null` for a repository without tags.
        null_tag: List a `null` among the tags.
        digests_as_tags: List the digests of an index's images among the tags.
        strict_list_accept: Refuse a list of tags with 406 to those who ask for a manifest's type.
        google_tags: List manifests by digest, with tags, sizes and times, beside the tags.
        catalog: The catalog: all repositories, none, or 404.
        limit: What `MockRegistry.throttle` answers.
    """

    absolute_urls: bool = False
    anonymous_mount: bool = True
    min_chunk: int | None = None
    strict_state: bool = False
    strict_length: bool = False
    keep_partial: bool = True
    accept_mounts: bool = True
    accept_single_post: bool = True
    upload_life: float = WEEK
    check_blobs: bool = True
    manifest_limit: int = 8 * 1024 * 1024
    immutable_tags: bool = False
    redirect_blobs: bool = False
    warnings: tuple[str, ...] = ()
    front: bool = False

    challenges: tuple[str, ...] = ()
    service: str = "mock-registry"
    realm: str = "/token"
    realm_elsewhere: bool = False
    ping_scope: str = ""
    open_door: bool = False
    ping_body: Text | None = None
    refusal_body: Text | None = None
    token_body: Text | None = None
    token_fields: tuple[str, ...] = TOKEN_FIELDS
    token_post: bool = True
    one_scope: bool = False
    token_private: int = 200
    token_missing: int = 200
    denied: int = 401
    denied_challenge: str = ""
    wrong_password: int = 401
    wrong_password_text: str = ""
    hides_missing: bool = False
    missing_code: str = ""

    no_digest: tuple[str, ...] = ()
    no_head: bool = False
    etag: Literal["digest", "sha1", "none"] = "digest"
    gzip: bool = False
    strict_accept: bool = False
    converts: Literal["child", "schema1"] | None = None

    page: int = 1000
    no_pages: bool = False
    n_limit: int | None = None
    opaque_pages: bool = False
    short_links: bool = False
    repeat_tags: bool = False
    oldest_first: bool = False
    null_tags: bool = False
    null_tag: bool = False
    digests_as_tags: bool = False
    strict_list_accept: bool = False
    google_tags: bool = False
    catalog: Literal["all", "empty", "none"] = "all"
    limit: Limit = field(default_factory=Limit)

    @property
    def needs_second_port(self) -> bool:
        """Whether something of it is at another origin than the registry."""
        return self.redirect_blobs or self.realm_elsewhere or self.front
