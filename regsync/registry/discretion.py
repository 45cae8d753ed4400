"""What a registry's client raises holds no secret, whatever the registry wrote."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from regsync.registry.client import RegistryClient

P = ParamSpec("P")
T = TypeVar("T")


def discreet(
    method: Callable[Concatenate[RegistryClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[RegistryClient, P], Coroutine[Any, Any, T]]:
    """A method whose errors have been through `RegistryClient.discretion`.

    Here, at the way out, and not where each text is made: one that is added later is covered too.
    """

    @wraps(method)
    async def kept(self: RegistryClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.discretion():
            return await method(self, *args, **kwargs)

    return kept
