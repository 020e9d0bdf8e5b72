"""What asking would read and cost is told before one asks: a guess by the engine's own measures."""

import pytest

from agents.models import LedgerEntry, ModelPrice
from agents.protocol.usage import CHARS_PER_TOKEN, estimate_tokens
from chat.models import Conversation
from tests.support.answering import answered
from tests.support.builders import a_profile
from tests.support.programs import Program, refusal
from tests.support.talking import converses, says

PRICED = "claude-dear-1"


@pytest.fixture
def program(bob):
    return Program(bob)


@pytest.fixture
def provider(settings):
    """The provider's own API answers, and one model of it has a price of its own."""
    settings.ANTHROPIC_API_KEY = "a key"
    ModelPrice.objects.create(prefix=PRICED, input_usd=5, output_usd=25)


def looks(program, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return program.get(f"/chat/outlook?{asked}").json()


def test_where_nothing_was_said_instructions_and_tools_are_read(program):
    a_profile("bare", tools=[], instructions="Be brief.")
    a_profile("handy", tools=["http_get", "list_runs"], instructions="Be brief.")
    bare, handy = looks(program, profile="bare"), looks(program, profile="handy")
    assert 20 < bare["tokens"] < 150 < handy["tokens"]
    assert (bare["left_out"], bare["chars_per_token"]) == (False, CHARS_PER_TOKEN)


def test_what_was_said_counts_on_the_branch_that_is_shown(program, bob):
    inside = str(converses(bob, "One", "y" * 7000).conversation_id)
    before = looks(program)["tokens"]
    said = looks(program, conversation_id=inside)["tokens"] - before
    assert estimate_tokens(7000) < said < estimate_tokens(7300)
    converses(bob, "Another", "z", conversation_id=inside, parent_id="root")
    assert looks(program, conversation_id=inside)["tokens"] - before < 100


@pytest.mark.parametrize(("model", "usd"), [(PRICED, 5e-6), ("claude-sonnet-5-5", 2e-6)])
def test_the_price_is_that_of_the_model_that_is_picked(program, provider, model, usd):
    told = looks(program, model=model)
    assert (told["model"], told["usd_per_token"]) == (model, pytest.approx(usd))


def test_a_price_that_nobody_knows_is_not_zero(program, provider):
    assert looks(program, model="claude-unheard-of")["usd_per_token"] is None


def test_the_offline_model_and_servers_of_ones_own_cost_nothing(program, provider, settings):
    settings.ANTHROPIC_API_KEY = ""
    assert looks(program, model=PRICED)["usd_per_token"] == 0
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:11434"
    assert looks(program, model=PRICED)["usd_per_token"] == 0


def test_a_conversation_is_asked_with_what_was_picked_in_it(program, bob, provider):
    a_profile("bare", tools=[], model="claude-bare-1")
    place = says(bob, profile="bare", model=PRICED)
    inside = str(place.conversation_id)
    assert looks(program, conversation_id=inside)["model"] == PRICED
    assert looks(program, conversation_id=inside, model="")["model"] == "claude-bare-1"


def test_a_conversation_too_long_says_that_its_oldest_words_are_left_out(program, bob, settings):
    settings.STAGENT_CONTEXT_TOKENS = "1000"
    inside = str(converses(bob, "One", "y" * 1000).conversation_id)
    told = looks(program, conversation_id=inside)
    assert (told["room"], told["left_out"]) == (700, False)
    converses(bob, "Two", "y" * 1500, conversation_id=inside)
    assert looks(program, conversation_id=inside)["left_out"]


def test_nobody_looks_into_what_is_not_theirs_and_what_is_wrong_is_named(program, alice):
    hers = converses(alice).conversation_id
    assert refusal(program.get(f"/chat/outlook?conversation_id={hers}"))[0] == 404
    assert refusal(program.get("/chat/outlook?profile=nobody"))[0] == 422
    assert refusal(program.get("/chat/outlook?modle=x"))[0] == 422


@pytest.mark.django_db(transaction=True)
async def test_the_guess_is_near_to_what_was_read_in_the_end(alice):
    """By the offline model's own count, whose letters to a token are about as many."""
    from asgiref.sync import sync_to_async

    program = await sync_to_async(Program)(alice)
    before = (await sync_to_async(looks)(program))["tokens"]
    await answered(alice, "Hello there.")
    first = await LedgerEntry.objects.order_by("pk").afirst()
    assert first is not None
    assert 0.6 < before / first.input_tokens < 1.6
    assert await Conversation.objects.acount() == 1
