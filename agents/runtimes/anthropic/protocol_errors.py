"""What servers answer that is no reply of the Messages API, as exceptions, and how each is recognised."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from agents.runtimes.error_text import provider_message
from stagent.lib.text import sentence, shorten

type Json = Mapping[str, Any]

TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
ABOUT_A_MODEL = re.compile(r"\bmodels?\b", re.IGNORECASE)
NO_ROUTE = re.compile(r"\binvalid url\b|\b(?:unknown|unexpected) (?:url|endpoint|route)\b", re.IGNORECASE)
NO_TOOLS = re.compile(
    r"does(?: not|n't) support (?:tools?\b|tool (?:use|calling)|function)"  # Ollama and others
    r"|tools? param requires --jinja"  # llama.cpp
    r"|--enable-auto-tool-choice|--tool-call-parser",  # vLLM
    re.IGNORECASE,
)


class ProviderError(Exception):
    """An error that the server told inside an answer of status 200; judged by what it says of itself."""

    def __init__(self, error: Any, request_id: str = "") -> None:
        told: Json = error if isinstance(error, dict) else {"message": error}
        self.type = told.get("type") if isinstance(told.get("type"), str) else None
        details = told.get("details")
        code = details.get("error_code") if isinstance(details, dict) else told.get("code")
        self.error_code = code if isinstance(code, str) else None
        self.status_code = code if isinstance(code, int) and 400 <= code < 600 else None
        self.api_message = shorten(str(told.get("message") or self.type or error), 500)
        self.request_id = request_id or None
        super().__init__(self.api_message)


class GarbledStream(Exception):
    """The stream breaks the rules of the Messages API."""


class NotAModelServer(Exception):
    """The address answers, but with something that no model server says, such as a web page."""


class Redirected(Exception):
    """The address sends whoever asks somewhere else, mostly to a page where people sign in."""


class NoMessagesApi(Exception):
    """The server speaks another API."""


class ToolsUnsupported(Exception):
    """The model, or its server as it was started, cannot call tools."""


def explained(error: Exception, host: str, *, offered_tools: bool) -> Exception:
    """Return a more exact exception for a refusal, or the refusal itself."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return error
    if is_redirect(error):
        return _redirected(error, status, host)
    said = provider_message(error) or str(error)
    if offered_tools and status in (400, 422, 500, 501) and NO_TOOLS.search(said):
        return ToolsUnsupported(
            f"The model at {host} cannot call tools: {sentence(shorten(said, 150))} "
            "Choose a model that can, or a profile without tools."
        )
    no_route = status in (404, 405, 501) and not ABOUT_A_MODEL.search(said)
    if no_route or (status in (400, 404) and NO_ROUTE.search(said)):
        return no_messages_api(host, shorten(said, 150))
    return error


def is_redirect(error: Exception) -> bool:
    return getattr(error, "status_code", 0) in range(300, 400)


def _redirected(error: Exception, status: int, host: str) -> Redirected:
    """Say where a redirect leads, without what may be secret in it. Nobody follows it with a key."""
    location = urlsplit(str(error.response.headers.get("location", "")))  # type: ignore[attr-defined]
    target = urlunsplit((location.scheme, location.netloc.rpartition("@")[2], location.path, "", ""))
    where = f"to {shorten(target, 150)}" if target else "to nowhere"
    return Redirected(
        f"{host} answers with a redirect ({status}) {where}, which a model server does not. "
        "Check the address of the provider (ANTHROPIC_BASE_URL)."
    )


def no_messages_api(host: str, why: str) -> NoMessagesApi:
    """Say that a server speaks another API, and which ones can be used."""
    return NoMessagesApi(
        f"{host} does not speak the Anthropic Messages API (POST /v1/messages): {sentence(why)} "
        "Check the address and the server's version; Ollama 0.14, LM Studio 0.4.1, llama.cpp and vLLM do."
    )


def not_a_reply(text: str, host: str, request_id: str = "") -> Exception:
    """Return what is wrong with an answer of status 200 that is no reply."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return _page(text, host)
    if isinstance(body, dict):
        error = body.get("error")
        if isinstance(error, str) and NO_ROUTE.search(error):  # LM Studio before 0.4.1, with status 200
            return no_messages_api(host, shorten(error, 150))
        if error:
            return ProviderError(error, request_id)
        if is_chat_completion(body):
            return no_messages_api(host, "it answered with a chat completion")
    return NotAModelServer(
        f"{host} answered with JSON that is not a model's reply: {sentence(shorten(text, 150))} "
        "Check the address of the provider."
    )


def is_chat_completion(data: Json) -> bool:
    """Tell an answer of the Chat Completions API, whole or a piece of its stream."""
    return "choices" in data or str(data.get("object", "")).startswith("chat.completion")


def _page(text: str, host: str) -> Exception:
    if not (text := text.strip()):
        return GarbledStream(f"{host} answered without a word.")
    if text.startswith("{"):
        return GarbledStream(f"{host} answered with JSON that is broken: {shorten(text, 100)}")
    title = TITLE.search(text)
    if title or text.startswith("<"):
        named = f" (“{shorten(title[1], 80)}”)" if title and title[1].strip() else ""
        what = f"a web page{named}"
    else:
        what = f"“{shorten(text, 100)}”"
    return NotAModelServer(
        f"{host} answered with {what} in place of a model's reply. Check the address of the provider."
    )
