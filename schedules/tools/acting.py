"""In whose name an agent acts, and how refusals are put to a model."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from pydantic import BaseModel, ValidationError

from agents.tools.base import Arguments, ToolContext, ToolError
from schedules.api.actors import Actor
from schedules.api.refusals import PROBLEMS
from stagent.lib.problems import Problem, of_schema

type Act = Callable[[ToolContext, Arguments], Any]


def tool_call(act: Act) -> Callable[[ToolContext, Arguments], str]:
    """Let a function be a tool's call: its result as JSON, its refusals in words."""

    @wraps(act)
    def call(context: ToolContext, arguments: Arguments) -> str:
        with refusals_in_words():
            return json.dumps(act(context, arguments), cls=DjangoJSONEncoder, ensure_ascii=False)

    return call


@contextmanager
def refusals_in_words() -> Iterator[None]:
    """Put what the API would refuse to a model."""
    try:
        yield
    except Problem as problem:
        raise ToolError(problem.message) from None
    except tuple(PROBLEMS) as error:
        raise ToolError(str(error)) from None


def actor(context: ToolContext, permission: str) -> Actor:
    """Return for whom an agent changes things, if they may; an agent that works for nobody may not."""
    user = User.objects.filter(pk=context.user_id).first() if context.user_id else None
    if user is None:
        raise ToolError("This agent works for nobody in particular, so it may look but not change anything.")
    who = Actor(user, f"an agent (run {context.run_id})" if context.run_id else "an agent")
    who.must_have(permission)  # before a name is looked up: an answer about names is an answer
    return who


def may_look(context: ToolContext, permission: str) -> None:
    """Refuse an agent what the person it works for may not see."""
    if context.user_id:
        actor(context, permission)


def read[Model: BaseModel](model: type[Model], arguments: Arguments) -> Model:
    """Read arguments as the API reads a body."""
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise of_schema(error.errors()) from None
