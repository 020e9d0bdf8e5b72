"""/api/chat/profiles and /api/chat/models: who can answer, and with which model."""

from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import ConfigDict

from agents import conf
from agents.models import ModelPrice, Profile
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


@router.get("/chat/profiles", response=answers(Page[ProfileChoice]))
def list_chat_profiles(request: HttpRequest) -> Page[ProfileChoice]:
    """List who can answer."""
    items = [
        ProfileChoice(
            slug=each.slug,
            name=each.name,
            description=each.description,
            model=each.model,
            default=each.slug == DEFAULT_PROFILE,
        )
        for each in Profile.objects.all()
    ]
    return Page(items=items, count=len(items))


@router.get("/chat/models", response=answers(Page[ModelChoice]))
def list_chat_models(request: HttpRequest) -> Page[ModelChoice]:
    """List the models that are known by name, the install's default one first."""
    default = conf.default_model()
    named = Profile.objects.exclude(model="").values_list("model", flat=True)
    names = sorted({*named, *_priced()} - {default})
    items = [ModelChoice(id=name, default=name == default) for name in [default, *names]]
    return Page(items=items, count=len(items))


def _priced() -> list[str]:
    """Return the provider's models that have a price; no beginnings of names, no other servers' models."""
    if not conf.is_provider(conf.base_url()):
        return []
    prefixes = ModelPrice.objects.values_list("prefix", flat=True)
    return [name for name in prefixes if name and "/" not in name and not name.endswith("-")]
