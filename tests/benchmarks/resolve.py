"""Resolve the references on stdin with regsync's own client, and print their digests.

What `regsync status` does towards registries and nothing else: to tell the cost of asking from the
cost of the rest. Run as `python -m tests.benchmarks.resolve`.
"""

from __future__ import annotations

import asyncio
import os
import sys

from regsync.config.load import load
from regsync.oci.reference import Reference
from regsync.stores.remote import Registries


async def resolve(texts: list[str]) -> list[str]:
    references = [Reference.parse(text) for text in texts]
    async with Registries(load(None, os.environ), os.environ) as registries:
        for host in {reference.registry for reference in references}:
            own = [one.repository for one in references if one.registry == host]
            await registries.client(host).prepare(own)
        found = await asyncio.gather(
            *(registries.client(one.registry).resolve(one) for one in references)
        )
    return [str(one.digest) for one in found]


if __name__ == "__main__":
    print("\n".join(asyncio.run(resolve(sys.stdin.read().split()))))
