"""A support chat agent: sessions of several turns, and sessions with failures."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from tracer.demo.calls import GPT_4O, GPT_4O_MINI, Message, system, user
from tracer.demo.dialects import LANGFUSE, About
from tracer.demo.story import App, Story, result, stack, tool_call

APP: Final = App("support-agents", LANGFUSE)
RULES: Final = system(
    "You are the support agent of a bookshop that sells online. Answer in the language of the"
    " customer, in two or three sentences. Never promise a refund that you have not made. Look"
    " up orders and invoices with your tools instead of asking for them. When a tool has failed"
    " twice, hand over to a colleague and say so."
)
_TOOLS_TOKENS: Final = 1_240


class Turn(NamedTuple):
    """A customer's question, the tool call with its result, and the answer."""

    question: str
    tool: str
    arguments: dict[str, Any]
    result: Any
    answer: str
    pause: float = 90.0
    """Seconds before the question."""


PARCEL: Final = (
    Turn(
        "Where is my parcel? Order 5512-88",
        "track_order",
        {"order": "5512-88"},
        {"order": "5512-88", "state": "in transit", "last_scan": "sorting centre", "eta_days": 1},
        "Your parcel left the sorting centre this morning and should arrive **tomorrow**. If it"
        " has not come by Thursday, write here again and I will open a search.",
    ),
    Turn(
        "Can it go to a pick-up point instead?",
        "redirect_parcel",
        {"order": "5512-88", "to": "pick-up point"},
        {"redirected": True, "pick_up": "station kiosk", "open_until": "21:00"},
        "Done: it goes to the **station kiosk**, open until 21:00. You get a code by e-mail.",
        140,
    ),
)
SEATS: Final = (
    Turn(
        "Does the Team plan include single sign-on, and can we keep our groups when we move?",
        "search_help",
        {"query": "single sign-on groups plan change"},
        [{"title": "Plans", "text": "SSO: Team and above"}, {"title": "SCIM", "text": "kept"}],
        "Yes to both:\n\n- single sign-on is part of the Team plan,\n- groups that came by SCIM"
        " stay as they are when you change plans.\n\nYou only need a new token for SCIM.",
    ),
    Turn(
        "Can you cancel only the second seat?",
        "change_seats",
        {"account": 40_112, "seats": 1},
        {"seats": 1, "effective": "end of month", "credit": {"amount": 12.5, "currency": "EUR"}},
        "The second seat ends with this month. €12.50 go on your next invoice as a credit.",
        60,
    ),
    Turn(
        "ok thanks, and where do I see the new invoice?",
        "list_invoices",
        {"account": 40_112, "limit": 1},
        [{"number": "INV-21007", "state": "draft", "total": 36.5}],
        "Under *Settings › Billing*; it is the draft INV-21007 at the top.",
        45,
    ),
)
DOWNLOAD: Final = (
    Turn(
        "My download link says expired but I bought it today",
        "sign_links",
        {"order": "5540-02", "hours": 24},
        {"links": 1, "expires_in_hours": 24},
        "Sorry! The old link was made before the payment had settled. Here is a fresh one, good"
        " for 24 hours.",
    ),
)
CODES: Final = (
    Turn(
        "Two-factor codes arrive 10 minutes late for our whole team",
        "service_status",
        {"component": "sms"},
        {"component": "sms", "state": "degraded", "since_minutes": 41},
        "That is us, not you: codes by text message are slow since 41 minutes. Until it is"
        " mended, an authenticator app works without delay:\n\n1. open *Settings › Security*,\n"
        "2. choose *Add an app*,\n3. scan the code.",
    ),
    Turn(
        "The app works. Will you tell us when SMS is back?",
        "subscribe",
        {"component": "sms", "channel": "e-mail"},
        {"subscribed": True},
        "Yes, you get an e-mail as soon as it is.",
        220,
    ),
)
SHIPPING: Final = (
    Turn(
        "¿Hacéis envíos a las islas? ¿Y cuánto tarda?",
        "shipping_options",
        {"country": "ES", "region": "islands"},
        [{"service": "standard", "days": "5-7", "price": 6.9}],
        "Sí: de 5 a 7 días por 6,90 €. Desde 60 € el envío es gratuito.",
    ),
)
TALKS: Final = (PARCEL, SEATS, DOWNLOAD, CODES, SHIPPING)

INVOICES: Final = (
    Turn(
        "Hi, I cannot download my invoices. The page spins and then says that the link has"
        " expired.",
        "sign_links",
        {"invoices": ["INV-20877", "INV-20931"], "hours": 24},
        {"links": 2, "expires_in_hours": 24},
        "Sorry about that. The links in your inbox ran out last night. Here are fresh ones, good"
        " for 24 hours:\n\n- October, INV-20877\n- November, INV-20931\n\nDo they open for you?",
    ),
    Turn(
        "October works, thanks! But the CSV export of all invoices keeps failing. I tried four"
        " times.",
        "find_jobs",
        {"user": "user-417", "kind": "csv_export", "since": "-1d"},
        [
            {"job": job, "state": "failed", "seconds": 60.0, "error": "CursorTimeout"}
            for job in (88_102, 88_109, 88_117, 88_121)
        ],
        "I can see the four attempts: each stopped after 60 seconds. I have started the export"
        " once more in the background. You will get an e-mail in about ten minutes.",
        140,
    ),
)
AFTERMATH: Final = (
    Turn(
        "Hello?",
        "hand_over",
        {"to": "diagnostics", "reason": "find_jobs timed out, export failed five times"},
        {"ticket": "SUP-5512", "queue": "diagnostics"},
        "I am here, and I am sorry: my last reply failed on our side. The export stopped again at"
        " the same point. I am handing this over with the logs, so that you do not have to"
        " explain it twice.",
        40,
    ),
)


def conversation(
    rng: random.Random, start: float, turns: Sequence[Turn], about: About
) -> Iterator[Story]:
    """Yield a trace for each turn; its messages include the earlier turns."""
    history: list[Message] = []
    for turn in turns:
        story = reply(rng, start, turn, history, about)
        history += [user(turn.question), Message("assistant", turn.answer)]
        yield story
        start = story.trace.now / 1e9 + turn.pause * rng.uniform(0.7, 1.3)


def reply(
    rng: random.Random, start: float, turn: Turn, history: Sequence[Message], about: About
) -> Story:
    """Return the trace of one turn: screen the question, decide, call the tool, answer."""
    story = Story(APP, rng, start, about)
    prompt = [RULES, *history, user(turn.question)]
    known = 0.6 if history else 0.0
    with story.step("agent", "support_chat", turn.question) as root:
        story.wait(0.02)
        with story.step("guardrail", "screen_input", turn.question) as guard:
            story.wait(0.18)
            guard.set_result({"allowed": True, "categories": []})
        call = tool_call(turn.tool, **turn.arguments)
        decision = story.model_call(GPT_4O, prompt, call, context=_TOOLS_TOKENS, cached=known)
        story.tool(turn.tool, turn.arguments, turn.result, 0.5)
        conversation = [*prompt, decision, result(call, turn.result)]
        story.model_call(
            GPT_4O, conversation, turn.answer, context=_TOOLS_TOKENS, cached=max(known, 0.5)
        )
        root.set_result(turn.answer)
        # Customers do not like answers that report a failure.
        is_liked = not re.search("sorry|stopped|failed", turn.answer, re.IGNORECASE)
        root.span.score("helpful", float(is_liked), "thumbs up" if is_liked else "thumbs down")
    return story


def lost_reply(rng: random.Random, start: float, about: About, question: str) -> Story:
    """Return the trace of a turn without an answer: its tool times out."""
    story = Story(APP, rng, start, about)
    arguments = {"user": about.user, "kind": "csv_export", "since": "-1h"}
    error = ("ToolTimeout", "find_jobs gave no answer", _TIMEOUT_STACK)
    with story.step("agent", "support_chat", question) as root:
        call = tool_call("find_jobs", **arguments)
        story.model_call(GPT_4O, [RULES, user(question)], call, context=_TOOLS_TOKENS, cached=0.6)
        story.failed_step("tool", "find_jobs", arguments, 30.0, error)
        root.span.status("ToolTimeout: find_jobs gave no answer")
    return story


def too_long(rng: random.Random, start: float, about: About) -> Story:
    """Return the trace of a turn whose documents exceed the model's context."""
    story = Story(APP, rng, start, about)
    question = "Hi! I need a copy of all invoices from 2024 to 2026 as one PDF"
    message = (
        "This model's maximum context length is 128000 tokens. However, your messages resulted"
        " in 131204 tokens. Please reduce the length of the messages."
    )
    error = ("ContextLengthExceeded", message, _CONTEXT_STACK)
    with story.step("agent", "support_chat", question) as root:
        call = tool_call("read_invoices", user=about.user, since="2024-01-01", until="2026-11-30")
        decision = story.model_call(GPT_4O, [RULES, user(question)], call, context=_TOOLS_TOKENS)
        pages = [{"number": f"INV-{20_100 + n}", "pages": 2} for n in range(60)]
        story.tool("read_invoices", call.arguments, pages, 2.4)
        conversation = [RULES, user(question), decision, result(call, pages)]
        story.failed_call(GPT_4O, conversation, 0.7, error)
        root.span.status(f"ContextLengthExceeded: {message}")
    return story


def staging(rng: random.Random, start: float, about: About) -> Story:
    """Return the trace of a test of the next release, on a smaller model."""
    app = App("support-agents", LANGFUSE, "staging", "2026.11.27-rc1")
    story = Story(app, rng, start, about)
    question = "smoke test: say hello in three languages"
    with story.step("agent", "support_chat", question) as root:
        answer = "Hello! Hallo! Bonjour!"
        story.model_call(GPT_4O_MINI, [RULES, user(question)], answer)
        root.set_result(answer)
    return story


_TIMEOUT_STACK: Final = stack(
    ("support/agent.py", 142, "run_turn", "found = tool(**call.arguments)"),
    ("support/tools/jobs.py", 57, "find_jobs", "rows = self.jobs.search(user, kind, since)"),
    ("support/clients/jobs.py", 31, "search", "answer = self.http.get(path, timeout=30)"),
)
_CONTEXT_STACK: Final = stack(
    ("support/agent.py", 151, "run_turn", "answer = self.model.chat(messages)"),
    ("support/model.py", 44, "chat", "raise ContextLengthExceeded(answer.error.message)"),
)
