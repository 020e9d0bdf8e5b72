"""/api/chat/profiles, /api/chat/models and /api/chat/folders: the choices of the chat page."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field

from agents import conf
from agents.models import ModelPrice, Profile
from agents.spending import prices
from chat.api.lookups import current_user
from chat.models import Conversation
from chat.transitions.accept import DEFAULT_PROFILE
from stagent.lib.api.listing import ShortListQuery, paginate, paginate_items
from stagent.lib.api.responses import responses
from stagent.lib.api.types import CursorPage, NullableText, Row

router = Router(tags=["chat"])
PROFILE: Any = {
    "slug": "assistant", "name": "Assistant", "description": "Helps with everyday questions.", "model": None,
    "default": True,
}  # fmt: skip


class ProfileChoice(Row):
    """A profile that can reply."""

    model_config = ConfigDict(json_schema_extra={"example": PROFILE})

    slug: str
    name: str
    description: str
    model: NullableText
    default: bool


class ModelChoice(Row):
    """A known model. Messages can name other models too."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": "claude-sonnet-5-5", "default": True}})

    id: str
    default: bool


class Folder(Row):
    """A folder of your conversations. It exists while it has a conversation."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Releases", "count": 3}})

    name: str
    count: int = Field(description="Number of its conversations that are not archived.")


@router.get("/chat/folders", response=responses(CursorPage[Folder], 422))
def list_chat_folders(request: HttpRequest, asked: Query[ShortListQuery]) -> CursorPage[Folder]:
    """List the folders of your conversations by name."""
    filed = Conversation.objects.of(current_user(request)).exclude(folder="").order_by()
    counted = filed.values("folder").annotate(count=Count("pk", filter=Q(archived_at=None)))
    items = [Folder(name=each["folder"], count=each["count"]) for each in counted]
    return paginate_items(request, asked, "folders", sorted(items, key=_by_name), _by_name)


@router.get("/chat/profiles", response=responses(CursorPage[ProfileChoice], 422))
def list_chat_profiles(request: HttpRequest, asked: Query[ShortListQuery]) -> CursorPage[ProfileChoice]:
    """List the profiles that can reply."""
    return paginate(
        request, asked, Profile.objects.order_by("name", "pk"), lambda found: [*map(_profile_choice, found)]
    )


@router.get("/chat/models", response=responses(CursorPage[ModelChoice], 422))
def list_chat_models(request: HttpRequest, asked: Query[ShortListQuery]) -> CursorPage[ModelChoice]:
    """List the known models, the default model first. Offline there is only one."""
    default = conf.default_model()
    named = [] if conf.offline() else Profile.objects.exclude(model="").values_list("model", flat=True)
    names = set() if conf.offline() else {*named, *_priced()} - {default}
    items = [ModelChoice(id=name, default=name == default) for name in [default, *sorted(names)]]
    return paginate_items(request, asked, "models", items, lambda model: [not model.default, model.id])


def _profile_choice(profile: Profile) -> ProfileChoice:
    return ProfileChoice(
        slug=profile.slug,
        name=profile.name,
        description=profile.description,
        model="" if conf.offline() else profile.model,
        default=profile.slug == DEFAULT_PROFILE,
    )


def _by_name(folder: Folder) -> list[str]:
    return [folder.name.casefold(), folder.name]


def _priced() -> list[str]:
    """Return the provider's models that have a price, without name prefixes and other servers' models."""
    if not conf.is_provider(conf.base_url()):
        return []
    prefixes = ModelPrice.objects.values_list("prefix", flat=True)
    named = [name for name in prefixes if name and "/" not in name and not name.endswith("-")]
    return [*named, *prices.listed_models()]
