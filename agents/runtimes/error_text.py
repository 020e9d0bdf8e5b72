"""What an error says for people: the provider's own words, without markup, or those of the network."""

import os
import re
from typing import Any


def provider_message(error: BaseException) -> str:
    """Return the provider's own words, or those of what lies below a connection error; a page as text."""
    if message := getattr(error, "api_message", None):
        return str(message)
    if type(error).__name__ in ("APITimeoutError", "CancelledError", "LeaseLost"):
        return ""  # the SDK's text explains the SDK
    if hasattr(error, "status_code"):
        return _words_of(getattr(error, "body", None))
    return _plain(_deepest_words(error)) or type(error).__name__


def _deepest_words(error: BaseException) -> str:
    """Return what the network said, below what each library made of it: "Connection refused"."""
    said, seen, found = str(error), {id(error)}, error
    while type(error).__name__ in WRAPPING and (below := _below(found)) and id(below) not in seen:
        seen.add(id(below))
        found = below
        said = _words_of_system(found) or said
    return said


WRAPPING = ("APIConnectionError", "ConnectError", "ConnectTimeout")


def _words_of_system(error: BaseException) -> str:
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)


def _below(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):  # one for each address that was tried
        return error.exceptions[0]
    return error.__cause__ or error.__context__


def _words_of(body: Any) -> str:
    """Return what a body says that is none of the API's: of another API's JSON, or of a page."""
    if isinstance(body, dict):
        inner = body.get("error", body)
        for name in ("message", "detail", "error", "msg", "title"):
            if isinstance(inner, dict) and isinstance(said := inner.get(name), str):
                return _plain(said)
        return _plain(inner) if isinstance(inner, str) else ""
    return _plain(body) if isinstance(body, str) else ""


def _plain(text: str) -> str:
    """Return text without markup; of a page its title, where it has one."""
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return " ".join(re.sub(r"<[^>]{0,2000}>", " ", title[1] if title else text[:4000]).split())
