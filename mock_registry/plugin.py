"""pytest fixtures: registries that live as long as one test.

Loaded in every test run of the environment, so it imports nothing but pytest until a fixture is
used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mock_registry.server import MockRegistry


@pytest.fixture
def mock_registries() -> Iterator[Callable[..., MockRegistry]]:
    """Start registries: a function that takes the options of `MockRegistry`.

    All of them are stopped when the test ends.
    """
    if find_spec("aiohttp") is None:
        pytest.skip("mock_registry needs aiohttp: pip install 'regsync[mock]'")
    from mock_registry.server import MockRegistry

    with ExitStack() as running:

        def start(*args: Any, **options: Any) -> MockRegistry:
            return running.enter_context(MockRegistry(*args, **options).serve())

        yield start


@pytest.fixture
def mock_registry(mock_registries: Callable[..., MockRegistry]) -> MockRegistry:
    """One registry in memory, empty, that lets everybody do everything."""
    return mock_registries()
