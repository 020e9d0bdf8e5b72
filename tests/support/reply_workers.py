"""A desk at work on the database of the test, as in the web process."""

from collections.abc import Iterator

import pytest

from chat.worker.worker import ReplyWorker


@pytest.fixture
def reply_worker(transactional_db: None) -> Iterator[ReplyWorker]:
    """A desk, opened and closed again; whoever is answered then is interrupted."""
    reply_worker = ReplyWorker()
    reply_worker.open()
    yield reply_worker
    reply_worker.close()
    assert not reply_worker.thread.is_alive()
