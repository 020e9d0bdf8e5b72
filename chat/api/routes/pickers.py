"""/api/chat/profiles, /api/chat/models and /api/chat/folders: what there is to pick from."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from ninja import Router
from pydantic import ConfigDict, Field

from agents import conf, prices
from agents.models import ModelPrice, Profile
from chat.api.finding import me
from chat.models import Conversation
from chat.transitions.accepting import DEFAULT_PROFILE
from stagent.lib.api.answers import answers
from stagent.lib.api.values import Page, Row, Said

router = Router(tags=["chat"])
PROFILE: Any = {
    "slug": "assistant", "name": "Assistant", "description": "Helps with everyday questions.", "model": None,
    "default": True,
}  # fmt: skip


class ProfileChoice(Row):
    """Somebody who can answer."""

    model_config = ConfigDict(json_schema_extra={"example": PROFILE})

    slug: str
    name: str
    description: str
    model: Said
    default: bool


class ModelChoice(Row):
    """A model that is known by name; others may be named too."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": "claude-sonnet-5-5", "default": True}})

    id: str
    default: bool


class Folder(Row):
    """A folder of one's own conversations; it is there while something lies in it."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Releases", "count": 3}})

    name: str
    count: int = Field(description="Conversations in it that are not put away.")


@router.get("/chat/folders", response=answers(Page[Folder]))
def list_chat_folders(request: HttpRequest) -> Page[Folder]:
    """List the folders that one's own conversations lie in, by name."""
    filed = Conversation.objects.of(me(request)).exclude(folder="").order_by("folder")
    counted = filed.values("folder").annotate(count=Count("pk", filter=Q(archived_at=None)))
    items = [Folder(name=each["folder"], count=each["count"]) for each in counted]
    return Page(items=items, count=len(items))


@router.get("/chat/profiles", response=answers(Page[ProfileChoice]))
def list_chat_profiles(request: HttpRequest) -> Page[ProfileChoice]:
    """List who can answer."""
    items = [
        ProfileChoice(
            slug=each.slug,
            name=each.name,
            description=each.description,
            model="" if conf.offline() else each.model,
            default=each.slug == DEFAULT_PROFILE,
        )
        for each in Profile.objects.all()
    ]
    return Page(items=items, count=len(items))


@router.get("/chat/models", response=answers(Page[ModelChoice]))
def list_chat_models(request: HttpRequest) -> Page[ModelChoice]:
    """List the models that are known by name, the install's default one first; offline there is but one."""
    default = conf.default_model()
    if conf.offline():
        return Page(items=[ModelChoice(id=default, default=True)], count=1)
    named = Profile.objects.exclude(model="").values_list("model", flat=True)
    names = sorted({*named, *_priced()} - {default})
    items = [ModelChoice(id=name, default=name == default) for name in [default, *names]]
    return Page(items=items, count=len(items))


def _priced() -> list[str]:
    """Return the provider's models that have a price; no beginnings of names, no other servers' models."""
    if not conf.is_provider(conf.base_url()):
        return []
    prefixes = ModelPrice.objects.values_list("prefix", flat=True)
    named = [name for name in prefixes if name and "/" not in name and not name.endswith("-")]
    return [*named, *prices.listed_models()]
