"""Pages of the console as a reader sees them: their words, without the markup."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client


class Reader:
    """Somebody at the console; the last answer is at hand."""

    def __init__(self, client: Client, user: User) -> None:
        self.client, self.user = client, user
        self.answer: Any = None
        client.force_login(user)

    def opens(self, url: str, **query: Any) -> str:
        """Open a page and read it."""
        self.answer = self.client.get(url, query or None)
        return self.words

    def presses(self, url: str, **fields: Any) -> str:
        """Send a form, follow where it leads, and read that page."""
        self.answer = self.client.post(url, fields, follow=True)
        return self.words

    @property
    def html(self) -> str:
        return str(self.answer.content.decode())

    @property
    def words(self) -> str:
        """Return what the page says, its blanks as single spaces."""
        whole = self.html.replace("<wbr>", "")  # where a word may go on in the next line, it is one word
        text = re.sub(r"<(script|style|svg|template)\b.*?</\1>|<[^>]+>", " ", whole, flags=re.DOTALL)
        return " ".join(unescape(text).split())


@pytest.fixture
def reader(client: Client, alice: User) -> Reader:
    """Alice, at the console."""
    return Reader(client, alice)
