"""The order in which sources of credentials are asked.

    environment (REGSYNC_<HOST>_USERNAME and _PASSWORD) → docker's `auths` → anonymous

The first source that is configured for a host answers, or fails: a broken one never hands over to
the next (CVE-2021-41092).
"""

from __future__ import annotations

from collections.abc import Mapping

from regsync.credentials import dockerconfig, environment
from regsync.identity import Credentials


def find(registry: str, env: Mapping[str, str]) -> Credentials | None:
    """The credentials for a registry host, or None for anonymous.

    Raises:
        CredentialsBroken: a source is configured and cannot be read.
    """
    return environment.find(registry, env) or dockerconfig.find(registry, env)
