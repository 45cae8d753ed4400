"""Asking one registry one question: which digest, which tags."""

from __future__ import annotations

from regsync.oci.reference import Reference, Repository
from regsync.registry.manifests import Resolved
from regsync.stores.remote import Registries


async def digest(reference: Reference, registries: Registries) -> Resolved:
    """The digest that a reference points to at its registry.

    Raises:
        RegsyncError: see `Registries.client` and `RegistryClient.resolve`.
    """
    return await registries.client(reference.repository).resolve(reference)


async def tags(repository: Repository, registries: Registries) -> list[str]:
    """All tags of a repository, in the registry's order.

    Raises:
        RegsyncError: see `Registries.client` and `RegistryClient.tags`.
    """
    return await registries.client(repository).tags(repository)
