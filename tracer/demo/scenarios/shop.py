"""A shop: translations by an unpriced model, a distributed trace, a nightly digest."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from tracer.demo.calls import FLASH, GPT_4O_MINI, IN_HOUSE, system, user
from tracer.demo.dialects import LANGFUSE, About
from tracer.demo.otlp import SERVER, Value
from tracer.demo.story import App, Story

REPLIES: Final = App("reply-translation", LANGFUSE)
ADVICE: Final = App("shop-advice", LANGFUSE)
DIGEST: Final = App("nightly-digest", LANGFUSE, release="2026.11.13")

LETTERS: Final = (
    ("Thank you for your patience. The refund is on its way.", "German"),
    ("We have received your message and answer within a day.", "French"),
    ("Your order has been sent in two parcels.", "Spanish"),
    ("The book is out of print. May we look for a used copy?", "Italian"),
)
_IN: Final = {
    "German": "Vielen Dank für Ihre Geduld. Die Erstattung ist unterwegs.",
    "French": "Nous avons bien reçu votre message et répondons sous un jour.",
    "Spanish": "Su pedido ha sido enviado en dos paquetes.",
    "Italian": "Il libro è esaurito. Possiamo cercare una copia usata?",
}
_CHANNELS: Final = 17


def translate_reply(rng: random.Random, start: float, about: About) -> Story:
    """Return the trace of a translation by a model without a list price."""
    story = Story(REPLIES, rng, start, about)
    text, language = rng.choice(LETTERS)
    with story.step("chain", "translate_reply", text) as root:
        prompt = [system(f"Translate into {language}. Keep the tone."), user(text)]
        story.model_call(IN_HOUSE, prompt, _IN[language], name="translate", limit=512)
        root.set_result(_IN[language])
    return story


def checkout_advice(rng: random.Random, start: float, about: About) -> Story:
    """Return a distributed trace without its root: the calling service never sends its span."""
    story = Story(ADVICE, rng, start, replace(about, name="shop_advice"))
    story.trace.open_unsent_parent()
    route: dict[str, Value] = {
        "http.request.method": "POST",
        "http.route": "/advice",
        "http.response.status_code": 200,
    }
    question = "Is this edition the one with the maps?"
    with story.trace.span("POST /advice", route, SERVER):
        with story.step("agent", "shop_advice", question) as agent:
            story.request("GET", "https://catalogue.example/items/9783", 200, 0.2)
            answer = "Yes, the hardcover has all twelve maps. The paperback has none of them."
            story.model_call(GPT_4O_MINI, [user(question)], answer, context=740)
            agent.set_result(answer)
        story.wait(0.01)
    return story


def nightly_digest(rng: random.Random, start: float) -> Story:
    """Return the trace of a digest of all channels, each summarised in a parallel branch."""
    about = About("cron", tags=("batch", "digest"), metadata={"channels": _CHANNELS})
    story = Story(DIGEST, rng, start, about)
    with story.step("chain", "nightly_digest", f"{_CHANNELS} channels since yesterday") as root:
        for channel in story.parallel(_CHANNELS):
            with story.step("chain", f"channel {channel + 1}", {"channel": channel + 1}) as step:
                thread_count = rng.randrange(4, 14)
                for _ in range(thread_count):
                    story.tool("read_thread", {"id": rng.randrange(10**6)}, {"posts": 6}, 0.2)
                    text = "A question about delivery, answered."
                    story.model_call(
                        FLASH, [user("Sum up.")], text, context=640, name="summarise_thread"
                    )
                step.set_result(f"{thread_count} threads, nothing urgent")
        digest = "\n".join(f"- channel {n + 1}: nothing urgent" for n in range(_CHANNELS))
        story.model_call(
            GPT_4O_MINI, [user("Write the digest.")], digest, context=2_700, name="digest"
        )
        root.set_result(digest)
    return story
