"""Responses that are not replies of the Messages API, as exceptions, and how each is recognised."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from agents.runtimes.error_text import provider_message
from stagent.lib.text import sentence, shorten

type Json = Mapping[str, Any]

TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
MENTIONS_MODEL = re.compile(r"\bmodels?\b", re.IGNORECASE)
NO_ROUTE = re.compile(r"\binvalid url\b|\b(?:unknown|unexpected) (?:url|endpoint|route)\b", re.IGNORECASE)
NO_TOOLS = re.compile(
    r"does(?: not|n't) support (?:tools?\b|tool (?:use|calling)|function)"  # Ollama and others
    r"|tools? param requires --jinja"  # llama.cpp
    r"|--enable-auto-tool-choice|--tool-call-parser",  # vLLM
    re.IGNORECASE,
)


class ProviderError(Exception):
    """An error object in a response of status 200, classified by its content."""

    def __init__(self, error: Any, request_id: str = "") -> None:
        error_object: Json = error if isinstance(error, dict) else {"message": error}
        self.type = error_object.get("type") if isinstance(error_object.get("type"), str) else None
        details = error_object.get("details")
        code = details.get("error_code") if isinstance(details, dict) else error_object.get("code")
        self.error_code = code if isinstance(code, str) else None
        self.status_code = code if isinstance(code, int) and 400 <= code < 600 else None
        self.api_message = shorten(str(error_object.get("message") or self.type or error), 500)
        self.request_id = request_id or None
        super().__init__(self.api_message)


class GarbledStream(Exception):
    """The stream violates the Messages API."""


class NotAModelServer(Exception):
    """The address returns something that no model server returns, such as a web page."""


class Redirected(Exception):
    """The address redirects, usually to a sign-in page."""


class NoMessagesApi(Exception):
    """The server supports another API."""


class ToolsUnsupported(Exception):
    """The model, or its server as started, does not support tools."""


def specific_error(error: Exception, host: str, *, offered_tools: bool) -> Exception:
    """Return a more specific exception for an HTTP error, or the error itself."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return error
    if is_redirect(error):
        return _redirected(error, status, host)
    message = provider_message(error) or str(error)
    if offered_tools and status in (400, 422, 500, 501) and NO_TOOLS.search(message):
        return ToolsUnsupported(
            f"The model at {host} cannot call tools: {sentence(shorten(message, 150))} "
            "Choose a model that supports tools, or a profile without tools."
        )
    no_route = status in (404, 405, 501) and not MENTIONS_MODEL.search(message)
    if no_route or (status in (400, 404) and NO_ROUTE.search(message)):
        return no_messages_api(host, shorten(message, 150))
    return error


def is_redirect(error: Exception) -> bool:
    return getattr(error, "status_code", 0) in range(300, 400)


def _redirected(error: Exception, status: int, host: str) -> Redirected:
    """Describe the target of a redirect without secrets. It is never followed: that would send the key."""
    location = urlsplit(str(error.response.headers.get("location", "")))  # type: ignore[attr-defined]
    target = urlunsplit((location.scheme, location.netloc.rpartition("@")[2], location.path, "", ""))
    destination = f"to {shorten(target, 150)}" if target else "without a location"
    return Redirected(
        f"{host} returned a redirect ({status}) {destination}, so it is not a model server. "
        "Check the address of the provider (ANTHROPIC_BASE_URL)."
    )


def no_messages_api(host: str, reason: str) -> NoMessagesApi:
    """Build the exception for a server with another API."""
    return NoMessagesApi(
        f"{host} does not support the Anthropic Messages API (POST /v1/messages): {sentence(reason)} "
        "Check the address and the server's version: Ollama 0.14, LM Studio 0.4.1, llama.cpp and vLLM do."
    )


def not_a_reply(text: str, host: str, request_id: str = "") -> Exception:
    """Return the exception for a response of status 200 that is not a reply."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return _unparsable_response(text, host)
    if isinstance(body, dict):
        error = body.get("error")
        if isinstance(error, str) and NO_ROUTE.search(error):  # LM Studio before 0.4.1, with status 200
            return no_messages_api(host, shorten(error, 150))
        if error:
            return ProviderError(error, request_id)
        if is_chat_completion(body):
            return no_messages_api(host, "it returned a chat completion")
    return NotAModelServer(
        f"{host} returned JSON that is not a model's reply: {sentence(shorten(text, 150))} "
        "Check the address of the provider."
    )


def is_chat_completion(data: Json) -> bool:
    """Return whether this is a response of the Chat Completions API, whole or streamed."""
    return "choices" in data or str(data.get("object", "")).startswith("chat.completion")


def _unparsable_response(text: str, host: str) -> Exception:
    if not (text := text.strip()):
        return GarbledStream(f"{host} returned an empty response.")
    if text.startswith("{"):
        return GarbledStream(f"{host} returned invalid JSON: {shorten(text, 100)}")
    title = TITLE.search(text)
    if title or text.startswith("<"):
        title_text = f" (“{shorten(title[1], 80)}”)" if title and title[1].strip() else ""
        content = f"a web page{title_text}"
    else:
        content = f"“{shorten(text, 100)}”"
    return NotAModelServer(
        f"{host} returned {content} instead of a model's reply. Check the address of the provider."
    )
