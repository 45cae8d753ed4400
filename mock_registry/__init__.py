"""A complete OCI registry for tests: distribution-spec v1.1, in memory or in a folder.

```python
from mock_registry import MockRegistry

with MockRegistry().serve() as registry:
    print(registry.url)        # http://127.0.0.1:PORT
```

It speaks the whole protocol over real sockets, so a client under test needs no special mode.
It is made for tests and for trying things out, not for keeping images: there is no garbage
collection across restarts, no locking between processes, no protection against floods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mock_registry.faults import Fault
    from mock_registry.quirks import Limit, Quirks
    from mock_registry.recording import Log, Record
    from mock_registry.server import MockRegistry
    from mock_registry.users import User

__all__ = ["Fault", "Limit", "Log", "MockRegistry", "Quirks", "Record", "User"]

_HOMES = {
    "Fault": "mock_registry.faults",
    "Limit": "mock_registry.quirks",
    "Log": "mock_registry.recording",
    "MockRegistry": "mock_registry.server",
    "Quirks": "mock_registry.quirks",
    "Record": "mock_registry.recording",
    "User": "mock_registry.users",
}


def __getattr__(name: str) -> object:
    # The pytest plugin is imported in every test run of the environment, also where the
    # optional aiohttp is not installed.
    import importlib

    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(importlib.import_module(home), name)
