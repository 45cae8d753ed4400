from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from registry_api import Api, Start

from mock_registry import MockRegistry


@pytest.fixture
def start(mock_registries: Callable[..., MockRegistry]) -> Iterator[Start]:
    with ExitStack() as clients:

        def start(*args: Any, **options: Any) -> Api:
            return clients.enter_context(Api(mock_registries(*args, **options)))

        yield start


@pytest.fixture
def api(start: Start) -> Api:
    return start()
