"""The readable text of an exception: the provider's message without markup, or the network's."""

import os
import re
from typing import Any


def provider_message(error: BaseException) -> str:
    """Return the provider's message, or the text of the network error below a connection error."""
    if message := getattr(error, "api_message", None):
        return str(message)
    if type(error).__name__ in ("APITimeoutError", "CancelledError", "LeaseLost"):
        return ""  # the SDK's text is about the SDK
    if hasattr(error, "status_code"):
        return _body_text(getattr(error, "body", None))
    return _strip_markup(_innermost_text(error)) or type(error).__name__


def _innermost_text(error: BaseException) -> str:
    """Return the text of the network error that libraries wrapped, such as "Connection refused"."""
    text, seen, current = str(error), {id(error)}, error
    while type(error).__name__ in WRAPPERS and (cause := _cause_of(current)) and id(cause) not in seen:
        seen.add(id(cause))
        current = cause
        text = _system_text(current) or text
    return text


WRAPPERS = ("APIConnectionError", "ConnectError", "ConnectTimeout")


def _system_text(error: BaseException) -> str:
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)


def _cause_of(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):  # one for each address tried
        return error.exceptions[0]
    return error.__cause__ or error.__context__


def _body_text(body: Any) -> str:
    """Return the message in a body that is not the API's: JSON of another API, or a page."""
    if isinstance(body, dict):
        error = body.get("error", body)
        for name in ("message", "detail", "error", "msg", "title"):
            if isinstance(error, dict) and isinstance(text := error.get(name), str):
                return _strip_markup(text)
        return _strip_markup(error) if isinstance(error, str) else ""
    return _strip_markup(body) if isinstance(body, str) else ""


def _strip_markup(text: str) -> str:
    """Return text without markup; of a page only its title, if it has one."""
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return " ".join(re.sub(r"<[^>]{0,2000}>", " ", title[1] if title else text[:4000]).split())
