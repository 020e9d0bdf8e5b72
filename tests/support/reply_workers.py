"""A desk at work on the database of the test, as in the web process."""

from collections.abc import Iterator

import pytest

from chat.worker.worker import ReplyWorker


@pytest.fixture
def desk(transactional_db: None) -> Iterator[ReplyWorker]:
    """A desk, opened and closed again; whoever is answered then is interrupted."""
    desk = ReplyWorker()
    desk.open()
    yield desk
    desk.close()
    assert not desk.thread.is_alive()
