"""The values that generated traces draw from, with weights that fall like those of real ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Skewed(Generic[T]):
    """Values of which the nth is drawn in proportion to 1 / n."""

    def __init__(self, values: Sequence[T]) -> None:
        self._values = values
        total = 0.0
        self._weights = [total := total + 1 / rank for rank, _ in enumerate(values, 1)]

    def draw(self, rng: random.Random, count: int) -> list[T]:
        """Return ``count`` values."""
        return rng.choices(self._values, cum_weights=self._weights, k=count)


_SYLLABLES: Final = tuple(
    consonant + vowel for consonant in "bcdfgklmnprstvz" for vowel in "aeiou" if vowel != "i"
)[:22]
_SCRIPTS: Final = (
    "请帮我取消订单并且退款到原来的银行卡",
    "注文の状態を確認してから返金してください",
    "ช่วยตรวจสอบคำสั่งซื้อและคืนเงินให้ด้วย",
    "أريد إلغاء الطلب واسترداد المبلغ من فضلك",
)

NAMES: Final = Skewed([
    f"{subject}-{action}"
    for action in ("agent", "answer", "search", "summary", "triage", "chat")
    for subject in ("support", "billing", "research", "code", "sales", "travel", "legal")
])  # fmt: skip
ENVIRONMENTS: Final = Skewed(["production", "staging", "development", "evaluation"])
RELEASES: Final = Skewed(
    [f"2026.{month}.{patch}" for month in range(11, 5, -1) for patch in range(6)]
)
MODELS: Final = Skewed([
    "gpt-4o-mini", "gpt-4o", "claude-sonnet-4", "gpt-4.1", "gemini-2.5-flash", "claude-opus-4",
    "o4-mini", "mistral-large", "gemini-2.5-pro", "llama-3.3-70b", "command-r-plus", "qwen3-32b",
])  # fmt: skip
TOOLS: Final = Skewed([
    f"{action}_{subject}"
    for action in ("search", "read", "create", "update", "send")
    for subject in ("web", "orders", "tickets", "files", "invoices", "users", "mail", "calendar")
])  # fmt: skip
TAGS: Final = Skewed([f"team-{n}" for n in range(12)] + [f"experiment-{n}" for n in range(40)])
PROMPTS: Final = Skewed(["support.decide", "support.plan", "answer", "summarise", "triage.route"])
PLANS: Final = Skewed(["free", "pro", "team", "enterprise"])
ERRORS: Final = Skewed([
    "TimeoutError: the tool did not answer within 30 s", "RateLimitError: 429 Too Many Requests",
    "ValidationError: 2 validation errors for Arguments", "KeyError: 'order_id'",
    "ConnectionError: the server closed the connection", "ContextLengthExceeded: 200,000 tokens",
])  # fmt: skip
WORDS: Final = Skewed([
    a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in ("", "n", "r", "ta", "ling", "s")
])  # fmt: skip


def sentence(rng: random.Random, words: Sequence[str], start: int, length: int) -> str:
    """Return ``length`` words from ``start`` on, one text in 30 with words of other scripts."""
    text = " ".join(words[start : start + length])
    return f"{text} {rng.choice(_SCRIPTS)}" if rng.random() < 1 / 30 else text
