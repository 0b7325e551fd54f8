"""Forum moderation: batches of posts, one model call each."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Final

from tracer.demo.calls import FLASH, system, user
from tracer.demo.dialects import GEN_AI, About
from tracer.demo.story import App, Story, stack

APP: Final = App("forum-moderation", GEN_AI)
_RULES: Final = system(
    "Judge the post by the rules of the forum: allow, hide or ask a moderator. Answer with JSON:"
    ' {"verdict": "allow" | "hide" | "ask", "reason": string, "categories": [string]}.'
)
POSTS: Final[tuple[tuple[str, str, list[str]], ...]] = (
    ("Selling 2 tickets for Friday, DM me for price", "ask", ["trade"]),
    ("This update bricked my reader, thanks a lot", "allow", []),
    ("Meet-up at the library on Saturday, who is in?", "allow", []),
    ("You are all idiots if you like chapter 3", "hide", ["insult"]),
    ("Spoiler without a warning: the narrator is the brother", "ask", ["spoiler"]),
    ("Best e-reader for PDFs with many formulas?", "allow", []),
    ("CHEAP PILLS >>> follow the link in my profile <<<", "hide", ["spam"]),
    ("I translated the poem, comments are welcome", "allow", []),
    ("Is the audiobook read by the author?", "allow", []),
    ("Please delete my account, nobody answers e-mails", "ask", ["support"]),
    ("My cat approves of this series 🐈", "allow", []),
    ("The ending was rushed. Three stars.", "allow", []),
    ("Who else got the wrong cover? Order 5 of 5 here", "allow", []),
    ("Volunteers wanted: proof-reading of old newspapers", "allow", []),
)
_TIMEOUT: Final = (
    "APITimeoutError",
    "Request timed out after 20 s",
    stack(
        ("moderation/worker.py", 51, "judge", "reply = model.generate(post, timeout=20)"),
        ("moderation/model.py", 37, "generate", "raise APITimeoutError('Request timed out …')"),
    ),
)


def batch(rng: random.Random, start: float, size: int, failing: int = -1) -> Iterator[Story]:
    """Yield a trace per post of a batch, in quick succession; the post at ``failing`` times out."""
    for number in range(size):
        story = Story(APP, rng, start, About(user="forum"))
        text, verdict, categories = POSTS[rng.randrange(len(POSTS))]
        with story.step("chain", "moderate_post", text) as root:
            if number == failing:
                story.failed_call(FLASH, [_RULES, user(text)], 20.0, _TIMEOUT)
                root.span.status(f"APITimeoutError: {_TIMEOUT[1]}")
            else:
                decision = {
                    "verdict": verdict,
                    "reason": _reason(verdict),
                    "categories": categories,
                }
                story.model_call(
                    FLASH, [_RULES, user(text)], json.dumps(decision), context=210, limit=256
                )
                with story.step("span", "apply_verdict"):
                    story.wait(0.03)
                root.set_result(verdict)
        yield story
        start += rng.uniform(0.3, 1.2)


def _reason(verdict: str) -> str:
    return {
        "allow": "Nothing here is against the rules.",
        "hide": "Rule 2 names this: it may not stay visible.",
        "ask": "The rules leave this to a moderator.",
    }[verdict]
