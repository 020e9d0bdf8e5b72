"""The chat page and shared conversations. The page loads messages over the socket and the API."""

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from chat import conf
from chat.conversations import sharing
from chat.models import Conversation
from chat.states import FileKind
from chat.transitions.accept import number
from stagent.lib import clock

SHEETS = [
    f"{name}.css"
    for name in (
        "chat/styles/layout",
        "chat/styles/sidebar",
        "chat/styles/welcome",
        "chat/styles/thread",
        "shared/prose",
        "shared/code",
        "chat/styles/composer",
        "chat/styles/commandMenu",
        "chat/styles/folders",
        "chat/styles/attachments",
        "chat/styles/answerParts",
        "chat/styles/approvals",
        "chat/styles/dialogs",
        "chat/styles/smallDialogs",
        "chat/styles/touch",
    )
]
SHARED_SHEETS = [
    f"{name}.css"
    for name in ("chat/styles/thread", "shared/prose", "shared/code", "chat/styles/sharedConversation")
]
ID_PLACEHOLDER = 0  # the page replaces it in addresses


class SignIn(LoginView):
    """The sign-in page for all users, staff or not."""

    template_name = "chat/login.html"
    next_page = "chat:page"
    redirect_authenticated_user = True


class SignOut(LogoutView):
    next_page = "chat:login"


@never_cache
@login_required(login_url="chat:login")
def page(request: HttpRequest, conversation_id: str | None = None) -> HttpResponse:
    """Render the page; for an unknown conversation with status 404, which the page explains."""
    user = cast(User, request.user)
    owned = Conversation.objects.of(user).filter(pk=number(conversation_id))
    status = 200 if conversation_id is None or owned.exists() else 404
    context = {"config": _config(user, conversation_id), "sheets": SHEETS}
    return render(request, "chat/page.html", context, status=status)


@never_cache
@login_required(login_url="chat:login")
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Render a shared conversation for any signed-in user. No referrer may reveal the address."""
    found = sharing.find(token, clock.now())
    context = {"shared": found, "sheets": SHARED_SHEETS}
    response = render(request, "chat/shared.html", context, status=200 if found else 404)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _config(user: User, conversation_id: str | None) -> dict[str, Any]:
    return {
        "user": user.get_short_name() or user.get_username(),
        "conversation": conversation_id,
        "longest": conf.MAX_TEXT_CHARS,
        "files": {
            "most": conf.MAX_FILES,
            "image": conf.MAX_FILE_BYTES[FileKind.IMAGE],
            "largest": max(conf.MAX_FILE_BYTES.values()),
        },
        "offline": not (settings.ANTHROPIC_API_KEY or settings.ANTHROPIC_BASE_URL),
        "links": _links(user),
    }


def _links(user: User) -> dict[str, str]:
    """Return the console links that this user is allowed to open."""
    links = {"login": reverse("chat:login")}
    for noun in ("run", "schedule"):
        if user.is_staff and user.has_perm(f"schedules.view_{noun}"):
            links[noun] = reverse(f"admin:schedules_{noun}_change", args=[ID_PLACEHOLDER])
    return links
