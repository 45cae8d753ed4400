"""Asking one registry one question: which digest, which tags."""

from __future__ import annotations

from regsync.oci.reference import Reference, Repository
from regsync.registry.client import RegistryClient, Resolved
from regsync.registry.hosts import endpoint


async def digest(reference: Reference) -> Resolved:
    """The digest that a reference points to at its registry.

    Raises:
        RegsyncError: see `RegistryClient.resolve`.
    """
    async with RegistryClient(endpoint(reference.registry)) as client:
        return await client.resolve(reference)


async def tags(repository: Repository) -> list[str]:
    """All tags of a repository, in the registry's order.

    Raises:
        RegsyncError: see `RegistryClient.tags`.
    """
    async with RegistryClient(endpoint(repository.registry)) as client:
        return await client.tags(repository)
