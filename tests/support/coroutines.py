"""Runs coroutine tests without a plugin: `async def test_…` works with every Django fixture.

The test runs in the main thread's event loop and its ORM in the main thread's connection, so the
transaction of a test is rolled back as usual (pytest-asyncio leaks rows here, pytest-django #580).
"""

import inspect

import pytest
from asgiref.sync import async_to_sync


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    async_to_sync(pyfuncitem.obj)(**{name: pyfuncitem.funcargs[name] for name in names})
    return True
