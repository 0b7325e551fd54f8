"""The whole demo data set: the traces of all applications during the last 24 hours."""

from __future__ import annotations

import math
import random
import secrets
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from tracer.demo.dialects import About
from tracer.demo.scenarios import office, posts, questions, research, review, shop, support, ticket
from tracer.demo.story import Story

_DAY: Final = 86_400.0
_MINUTE: Final = 60.0
_NEWEST: Final = 5 * _MINUTE
"""Seconds before now at which the latest trace starts, so that traces have ended by now."""
_USERS: Final = (102, 251, 318, 388, 577, 640, 714)


class DemoTrace(NamedTuple):
    """A story, with a ``label`` if the command prints a link to its trace."""

    story: Story
    label: str = ""


def generate(seed: int, now: float) -> list[DemoTrace]:
    """Return the data set, oldest first; the same seed gives the same stories with new ids.

    ``now`` is in seconds since the epoch.
    """
    rng = random.Random(seed)
    traces = [DemoTrace(story) for make in _ROUTINE for story in make(rng, now)]
    traces += _special(rng, now)
    return sorted(traces, key=lambda trace: trace.story.trace.spans[0].start_time_unix_nano)


def _start_time(rng: random.Random, now: float, duration: float = _NEWEST) -> float:
    """Return a time of the last day, ``duration`` seconds ago or more; recent ones are likelier."""
    return now - duration - (_DAY - 2 * duration) * math.pow(rng.random(), 2.2)


def _user(rng: random.Random) -> str:
    return f"user-{rng.choice(_USERS)}"


def _session(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(4)}"


def _chats(rng: random.Random, now: float) -> Iterator[Story]:
    for _ in range(3):
        for turns in support.TALKS:
            about = About(_user(rng), _session("chat"), ("chat",), {"channel": "web"})
            start = _start_time(rng, now, 20 * _MINUTE)
            yield from support.conversation(rng, start, turns, about)


def _answers(rng: random.Random, now: float) -> Iterator[Story]:
    metadata = {"index": "articles-v3"}
    for number in range(29):
        about = About("guest", tags=("rag",), metadata=metadata)
        limited = number % 14 == 7
        yield questions.answer_question(rng, _start_time(rng, now), about, limited=limited)
    for number in range(9):
        about = About(_user(rng), _session("docs"), ("rag",), metadata)
        start = _start_time(rng, now, 20 * _MINUTE)
        for turn in range(3):
            limited = number == 4 and turn == 1
            yield questions.answer_question(rng, start, about, limited=limited)
            start += rng.uniform(20, 200)


def _moderation(rng: random.Random, now: float) -> Iterator[Story]:
    for hours, failing in ((20.0, -1), (11.5, 3), (5.0, -1), (0.7, -1)):
        yield from posts.batch(rng, now - hours * 3600, 11, failing)


def _reviews(rng: random.Random, now: float) -> Iterator[Story]:
    for change in review.CHANGES[1:]:
        yield review.review(rng, _start_time(rng, now), change)


def _office(rng: random.Random, now: float) -> Iterator[Story]:
    for _ in range(18):
        yield office.triage_email(rng, _start_time(rng, now), About("inbox-eu"))
    for tray in range(3):
        about = About("erp-sync", _session("run"), ("ocr",), {"tray": tray})
        start = _start_time(rng, now, 20 * _MINUTE)
        for number in range(4):
            yield office.extract_invoice(rng, start, about, readable=(tray, number) != (1, 2))
            start += rng.uniform(8, 20)
    for minutes in (11, 24, 38, 17):
        call = _start_time(rng, now)
        yield office.summarise_call(rng, call, About("sales-emea"), minutes=minutes)


def _shop(rng: random.Random, now: float) -> Iterator[Story]:
    for _ in range(14):
        about = About(_user(rng), tags=("chat", "translation"))
        yield shop.translate_reply(rng, _start_time(rng, now), about)
    for _ in range(2):
        yield shop.checkout_advice(rng, _start_time(rng, now), About(_user(rng)))
    yield shop.nightly_digest(rng, now - 9 * 3600)
    for _ in range(3):
        yield support.staging(rng, _start_time(rng, now), About("dev-714", tags=("smoke",)))


def _researches(rng: random.Random, now: float) -> Iterator[Story]:
    for topic in research.TOPICS:
        yield research.research(
            rng, _start_time(rng, now), topic, About(_user(rng), _session("res"))
        )


_ROUTINE: Final[tuple[Callable[[random.Random, float], Iterator[Story]], ...]] = (
    _chats,
    _answers,
    _moderation,
    _reviews,
    _office,
    _shop,
    _researches,
)


def _special(rng: random.Random, now: float) -> Iterator[DemoTrace]:
    yield from _invoices(rng, now)
    long = About("user-318", _session("chat"), ("chat",))
    yield DemoTrace(support.too_long(rng, now - 7 * _MINUTE, long), "a context that is too long")
    cut = review.review(rng, now - 12 * _MINUTE, review.CHANGES[0], cut=True)
    yield DemoTrace(cut, "an answer that was cut")
    call = office.summarise_call(rng, now - 50 * _MINUTE, About("sales-emea"), minutes=88)
    yield DemoTrace(call, "a model's refusal late in the trace")
    lost = shop.checkout_advice(rng, now - 6 * _MINUTE, About("user-102"))
    yield DemoTrace(lost, "a parent that never arrives")
    running = research.running(rng, now, About("user-251", _session("res")))
    yield DemoTrace(running, "still running")


def _invoices(rng: random.Random, now: float) -> Iterator[DemoTrace]:
    """Yield the session of user-417: a failed export, a lost reply, a ticket of 5,000 spans."""
    about = About("user-417", _session("chat"), ("chat", "billing"), {"channel": "web"})
    start = now - 34 * _MINUTE
    for story in support.conversation(rng, start, support.INVOICES, about):
        yield DemoTrace(story)
    lost = support.lost_reply(rng, now - 13 * _MINUTE, about, "Nothing arrived.")
    yield DemoTrace(lost, "a tool that times out")
    for story in support.conversation(rng, now - 12 * _MINUTE, support.AFTERMATH, about):
        yield DemoTrace(story)
    yield DemoTrace(
        ticket.resolve_ticket(rng, now - 4 * _MINUTE, about), f"an agent of {ticket.SPANS:,} spans"
    )
