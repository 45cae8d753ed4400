"""Real registries by name: their habits as `Quirks`, as far as they are known.

Where each of them is known from is in docs/reference/mock-registry.md. What no mode says is as the
specification has it, which need not be as that registry has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mock_registry.auth import Scheme
from mock_registry.quirks import Limit, Quirks
from mock_registry.users import User

BOTH = ("GET", "HEAD")


@dataclass(frozen=True)
class Mode:
    """One registry.

    Attributes:
        auth: How to log in; None as without a mode.
        open: Whether everybody may do everything as long as there are no users.
        public: Pattern of repositories that anybody may pull, where nothing else is said.
        hub: Pulls per six hours, where they are counted as Docker Hub counts them.
        referrers: Whether it has the referrers API.
        user: What the names of its users look like, people's apart.
    """

    quirks: Quirks = field(default_factory=Quirks)
    auth: Scheme | None = "bearer"
    open: bool = False
    public: str = "*"
    hub: int | None = None
    referrers: bool = True
    user: str = "ann"

    def scheme(self, users: Sequence[User]) -> Scheme | None:
        """How to log in, given who may."""
        return None if self.open and not users else self.auth


_EXPIRED = "Your authorization token has expired. Reauthenticate and try again."
_GHCR = Quirks(
    service="ghcr.io",
    # Of a repository that does not exist: whoever takes it for the one that is meant is refused.
    ping_scope="repository:user/image:pull",
    token_private=401,
    token_missing=403,
    denied=403,
    oldest_first=True,
    page=100,
    catalog="none",
    redirect_blobs=True,
    limit=Limit({}, "retry-after: 714.813\u00b5s, allowed: 44000/minute", wait=0.0),
)
_GOOGLE = Quirks(
    challenges=('Bearer realm="{realm}"',),
    realm="/v2/token",
    token_private=403,
    token_missing=403,
    denied=403,
    no_pages=True,
    google_tags=True,
    catalog="empty",
    redirect_blobs=True,
)
_GITEA = Quirks(
    challenges=(
        'Bearer realm="{realm}",service="container_registry",scope="*"',
        'Basic realm="{url}/v2",service="container_registry",scope="*"',
    ),
    realm="/v2/token",
    token_fields=("token",),
    token_post=False,
    denied_challenge='Basic realm="Gitea Package API"',
)

MODES: Mapping[str, Mode] = {
    "acr": Mode(
        Quirks(
            challenges=('Bearer realm="{realm}",service="{service}"{scope}{error}',),
            service="team.azurecr.io",
            realm="/oauth2/token",
            token_fields=("access_token",),
            redirect_blobs=True,
        ),
        public="",
        user="00000000-0000-0000-0000-000000000000",
    ),
    "artifactory": Mode(
        Quirks(
            challenges=('Bearer realm="{realm}",service="{service}"',),
            realm="/v2/token",
            no_digest=BOTH,
            etag="sha1",
            strict_list_accept=True,
            short_links=True,
            digests_as_tags=True,
        ),
    ),
    "distribution-2": Mode(
        Quirks(
            challenges=('Basic realm="Registry Realm"',),
            converts="schema1",
            no_pages=True,
            oldest_first=True,
        ),
        auth="basic",
        open=True,
        public="",
        referrers=False,
    ),
    "distribution-3": Mode(
        Quirks(challenges=('Basic realm="Registry Realm"',)), auth="basic", open=True, public=""
    ),
    "docker-hub": Mode(
        Quirks(
            service="registry.docker.io",
            converts="child",
            catalog="none",
            redirect_blobs=True,
            limit=Limit({"Retry-After": "{unix}"}, "Too Many Requests (HAP429).\n", plain=True),
        ),
        hub=100,
        user="team",
    ),
    "ecr": Mode(
        Quirks(
            challenges=('Basic realm="{url}/",service="ecr.amazonaws.com"',),
            refusal_body=("text/plain; charset=utf-8", "Not Authorized\n"),
            wrong_password=403,
            wrong_password_text=_EXPIRED,
            no_digest=("GET",),
            page=100,
            n_limit=1000,
            redirect_blobs=True,
            limit=Limit({}, "Rate exceeded"),
        ),
        auth="basic",
        public="",
        user="AWS",
    ),
    "ecr-public": Mode(
        Quirks(
            service="public.ecr.aws",
            realm="/token/",
            ping_scope="aws",
            no_digest=("GET",),
            catalog="none",
            redirect_blobs=True,
            limit=Limit({}, "Rate exceeded"),
        ),
        user="AWS",
    ),
    # Two headers at Gitea, one with both challenges at Forgejo.
    "forgejo": Mode(replace(_GITEA, challenges=(",".join(_GITEA.challenges),))),
    "gar": Mode(_GOOGLE, user="_json_key"),
    "gcr": Mode(
        replace(
            _GOOGLE,
            challenges=('Bearer realm="{realm}",service=gcr.io',),
            token_body=(
                "text/html; charset=UTF-8",
                "<!DOCTYPE html>\n<title>Error 403 (Forbidden)!!1</title>\n",
            ),
        ),
        user="oauth2accesstoken",
    ),
    "ghcr": Mode(_GHCR),
    "gitea": Mode(_GITEA),
    "gitlab": Mode(
        Quirks(
            service="container_registry",
            realm="/jwt/auth",
            realm_elsewhere=True,
            token_private=403,
            token_missing=403,
            catalog="none",
            redirect_blobs=True,
        ),
        user="gitlab-ci-token",
    ),
    "harbor": Mode(
        Quirks(
            service="harbor-registry",
            realm="/service/token",
            missing_code="NOT_FOUND",
        ),
        user="robot$team+ci",
    ),
    "lscr": Mode(replace(_GHCR, front=True)),
    "nexus": Mode(
        Quirks(challenges=('BASIC realm="Sonatype Nexus Repository Manager"',), null_tag=True),
        auth="basic",
        public="",
    ),
    "quay": Mode(
        Quirks(
            challenges=('Bearer realm="{realm}",service="{service}"{scope}',),
            service="quay.io",
            realm="/v2/auth",
            ping_body=("text/html; charset=utf-8", "true"),
            token_fields=("token",),
            token_post=False,
            hides_missing=True,
            converts="schema1",
            page=100,
            opaque_pages=True,
            oldest_first=True,
            redirect_blobs=True,
        ),
        user="team+ci",
    ),
    "redhat": Mode(
        Quirks(
            service="docker-registry",
            realm="/auth/realms/rhcc/protocol/redhat-docker-v2/auth",
            token_private=401,
            no_digest=BOTH,
            etag="none",
            gzip=True,
            converts="schema1",
            page=100,
        ),
        user="1234567|ci",
    ),
}


def find(name: str | None) -> Mode:
    """The mode of that name; without a name the one that has no habits.

    Raises:
        ValueError: there is none of that name; the text names them all.
    """
    if name is None:
        return Mode(auth=None, public="")
    if name not in MODES:
        raise ValueError(f"there is no mode {name!r}; there are {', '.join(MODES)}")
    return MODES[name]
