"""Who races over replies: people that say things and stop them, workers that answer, and the reconciler."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F

from agents.errors import LeaseLost
from agents.protocol.events import TextDelta
from agents.transcripts import transcript
from chat.errors import LostRace
from chat.models import Conversation, Message
from chat.states import MessageStatus, Reason
from chat.transitions import Claim, Draft, End, accept, claim, finalise, park, renew, request_stop
from chat.worker import reconcile
from stagent.lib.problems import Problem
from tests.support.racer import Race

TTL = timedelta(seconds=30)  # of the race: half a second of ours


def talker(race: Race, name: str, texts: int) -> dict[str, Any]:
    """Say the same things in the same conversations as everybody else, all at once."""
    user, places = User.objects.get(username=name), {}
    for number in range(texts):
        here = Conversation.objects.order_by("pk")[number % 3]
        draft = Draft(f"Text {number}", client_msg_id=f"id-{number}", conversation_id=str(here.pk))
        while race.on:
            try:
                places[number] = accept(user, draft, now=race.now()).reply_id
                break
            except Problem:  # too many wait already
                race.breathe(0.02)
    return {"places": places}


def replier(race: Race, name: str) -> dict[str, Any]:
    """Claim replies and say something; end most of them, put some aside, vanish from a few."""
    seen: Counter[str] = Counter()
    lost: list[Claim] = []
    while race.on:
        ready = Message.objects.ready().select_related("conversation", "profile")
        for reply in list(ready.order_by("?")[:3]):
            try:
                held = claim(reply, holder=name, now=race.now(), ttl=TTL)
                seen["claimed"] += 1
                seen[_answer(held, race, lost)] += 1
            except LostRace:
                seen["quicker"] += 1
            except LeaseLost:
                seen["lost"] += 1
        race.breathe()
    return {"claimed": 0, "ended": 0} | seen | {"late": _late_writes(lost, race)}


def _answer(held: Claim, race: Race, lost: list[Claim]) -> str:
    for word in ("One ", "two ", "three."):
        transcript.append(held.transcript_id, held.token, [TextDelta(1, word)], race.now())
        renew([held.token], race.now(), TTL)
        race.breathe(random.choice((0, 0.01)))
    match random.randrange(6):
        case 0:
            lost.append(held)
            return "vanished"
        case 1:
            park(held, now=race.now())
            return "parked"
    stopped = Message.objects.filter(pk=held.message_id, stop_requested_at__isnull=False).exists()
    end = End(MessageStatus.STOPPED, Reason.CLIENT_STOP) if stopped else End(MessageStatus.COMPLETE)
    done = finalise(held.message_id, end, now=race.now(), token=held.token)
    return "ended" if done else "too late"


def _late_writes(lost: list[Claim], race: Race) -> int:
    """Count what was accepted of those that others had settled."""
    accepted = 0
    for held in lost:
        if Message.objects.filter(token=held.token).exists():
            continue
        try:
            transcript.append(held.transcript_id, held.token, [TextDelta(1, "late")], race.now())
            accepted += 1
        except LeaseLost:
            accepted += (
                finalise(held.message_id, End(MessageStatus.COMPLETE), now=race.now(), token=held.token)
                is not None
            )
    return accepted


def stopper(race: Race, name: str) -> dict[str, int]:
    """Stop half of the replies: the others are to be found by the reconciler."""
    user, stopped = User.objects.get(username=name), 0
    while race.on:
        half = Message.objects.replies().unfinished().annotate(quarter=F("pk") % 4).filter(quarter__lt=2)
        for pk in half.order_by("?").values_list("pk", flat=True)[:1]:
            request_stop(user, str(pk), now=race.now())
            stopped += 1
        race.breathe(0.03)
    return {"stopped": stopped}


def reconciler(race: Race) -> dict[str, int]:
    """Settle what lapsed."""
    settled = 0
    while race.on:
        settled += reconcile.finalise_stale(race.now())
        race.breathe(0.02)
    return {"settled": settled}
