"""Who is asking: a program by its token, or a person by their session and, to change things, a CSRF token.

The API takes `auth=DOORS`; a socket calls `authenticate` itself.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest
from ninja.errors import AuthenticationError, HttpError
from ninja.security import HttpBearer
from ninja.security.apikey import APIKeyCookie
from ninja.utils import check_csrf

from stagent.lib import clock
from stagent.lib.db.deferred_writes import after_response
from stagent.lib.db.prepared import Param, Select
from stagent.models import ApiToken, digest_of

USE_NOTED_EVERY = timedelta(minutes=1)


class CsrfRefused(HttpError):
    """A session asked to change something without the CSRF token that proves the page was ours."""

    def __init__(self) -> None:
        super().__init__(403, "The CSRF token is missing or wrong; send it as X-CSRFToken.")


USABLE = Select(
    ApiToken.objects.usable(Param("now", ApiToken.expires_at))
    .select_related("user")
    .filter(digest=Param("digest", ApiToken.digest))
)


def authenticate(token: str, *, now: datetime) -> User | None:
    """Return the active user whom a token stands for, or None."""
    found = USABLE.first(now=now, digest=digest_of(token))
    if found is None:
        return None
    _note_use(found, now)
    return found.user


def _note_use(token: ApiToken, now: datetime) -> None:
    # At most a write a minute: a busy client must not turn each of its reads into a write.
    if token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        after_response(lambda: ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now))


class TokenAuth(HttpBearer):
    """`Authorization: Bearer …`; needs no CSRF token, for no browser sends it by itself."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        """Return the token's user and make the request theirs; raises AuthenticationError."""
        user = authenticate(token, now=clock.now())
        if user is None:
            # Raised, not returned: a bad token must not fall through to the session.
            raise AuthenticationError(message="This token is unknown, expired or revoked.")
        request.user = user
        return user


class SessionAuth(APIKeyCookie):
    """The session cookie of the admin and the chat page."""

    param_name = "sessionid"

    def __init__(self) -> None:
        super().__init__(csrf=False)  # checked below, after we know that there is a session to protect

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        """Return the signed-in user; raises CsrfRefused where the page was not ours."""
        if not isinstance(request.user, User):
            return None
        if check_csrf(request) is not None:
            raise CsrfRefused
        return request.user


DOORS = [TokenAuth(), SessionAuth()]
