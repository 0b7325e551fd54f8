"""Office applications: e-mail triage, invoice extraction from scans, call summaries."""

from __future__ import annotations

import json
import random
from typing import Final

from tracer.demo.calls import FLASH, GPT_4O, GPT_4O_MINI, Message, system, user
from tracer.demo.dialects import GEN_AI, OPENINFERENCE, About
from tracer.demo.story import App, Story, stack

MAIL: Final = App("mail-triage", GEN_AI, release="2026.11.13")
SCANS: Final = App("invoice-reader", OPENINFERENCE)
CALLS: Final = App("call-notes", GEN_AI)

MAILS: Final = (
    ("Re: Re: invoice overdue, second reminder (3 attachments)", "billing", "high"),
    ("Kündigung zum Jahresende, bitte bestätigen", "contracts", "high"),
    ("Out of office", "none", "low"),
    ("Could you send the price list for libraries?", "sales", "normal"),
    ("Délai de livraison, commande 5517-20", "orders", "normal"),
    ("Your newsletter was great", "none", "low"),
    ("Security: a customer sees other people's orders", "security", "urgent"),
)
_LANGUAGES: Final = ("Italian", "German", "English", "Polish")
_TRIAGE: Final = system("Sort the e-mail: queue, urgency, language. Answer with JSON.")
_READ: Final = system(
    "Read the invoice. Answer with JSON: supplier, number, date, currency, lines, total. The"
    " total must be the sum of the lines."
)


def triage_email(rng: random.Random, start: float, about: About) -> Story:
    """Return the trace of an e-mail that is assigned to a queue."""
    story = Story(MAIL, rng, start, about)
    subject, queue, urgency = rng.choice(MAILS)
    with story.step("chain", "triage_email", subject) as root:
        story.tool("fetch_body", {"message": rng.randrange(10**6)}, f"{subject}\n\n…", 0.2)
        decision = json.dumps({"queue": queue, "urgency": urgency})
        story.model_call(
            GPT_4O_MINI, [_TRIAGE, user(subject)], decision, context=rng.randrange(300, 2_400)
        )
        story.tool("move", {"queue": queue}, {"moved": True}, 0.1)
        root.set_result(decision)
    return story


def extract_invoice(rng: random.Random, start: float, about: About, *, readable: bool) -> Story:
    """Return the trace of a scan; the first total is wrong, and stays wrong if not ``readable``."""
    story = Story(SCANS, rng, start, about)
    name, pages, language = (
        f"scan_{rng.randrange(180, 231):04}.pdf",
        rng.randrange(1, 8),
        rng.choice(_LANGUAGES),
    )
    prompt = [_READ, user(f"{name}, {pages} pages, {language}")]
    wrong, right = _invoice(rng, 184.50), _invoice(rng, 148.50)
    with story.step("chain", "extract_invoice", prompt[1].text) as root:
        story.tool("ocr", {"file": name, "pages": pages}, {"characters": 2_140 * pages}, 0.7)
        first = story.model_call(GPT_4O, prompt, wrong, context=1_450 * pages)
        story.failed_step("tool", "validate", json.loads(wrong), 0.02, _INVALID)
        again = user("The total is 184.50, the lines add up to 148.50. Read the lines again.")
        second = right if readable else wrong
        story.model_call(GPT_4O, [*prompt, first, again], second, context=1_450 * pages, cached=0.8)
        if readable:
            story.tool("validate", json.loads(right), {"valid": True}, 0.02)
            root.set_result(json.loads(right))
        else:
            story.failed_step("tool", "validate", json.loads(wrong), 0.02, _INVALID)
            root.span.fail(*_INVALID)
    return story


def summarise_call(rng: random.Random, start: float, about: About, *, minutes: int) -> Story:
    """Return the trace of a call summary; over an hour of speech exceeds the model's context."""
    story = Story(CALLS, rng, start, about)
    description = f"Call of {minutes} min, {rng.randrange(2, 6)} speakers"
    with story.step("chain", "summarise_call", description) as root:
        parts = max(minutes // 8, 1)
        for part in story.parallel(parts):
            with story.step("chain", f"part {part + 1}"):
                story.tool("transcribe", {"from": part * 8, "minutes": 8}, "00:01 Hello …", 3.1)
                notes = f"Part {part + 1}: open points, who does what, until when."
                story.model_call(FLASH, [user("Take notes.")], notes, context=2_900)
        messages = [system("Sum up the notes."), Message("user", "\n".join(["notes"] * parts))]
        if minutes > 60:
            story.failed_call(GPT_4O, messages, 0.6, _TOO_LONG)
            root.span.status(f"ContextLengthExceeded: {_TOO_LONG[1]}")
        else:
            summary = "**Agreed:** delivery in week 3.\n\n- [ ] send the contract\n- [x] price list"
            story.model_call(GPT_4O, messages, summary, context=410 * parts)
            root.set_result(summary)
    return story


def _invoice(rng: random.Random, total: float) -> str:
    lines = [{"text": "paper, 5 boxes", "amount": 96.0}, {"text": "toner", "amount": 52.5}]
    number = f"R-{rng.randrange(1000, 9999)}"
    return json.dumps({"number": number, "currency": "EUR", "lines": lines, "total": total})


_INVALID: Final = (
    "ValidationError",
    "total: 184.50 is not the sum of the lines, 148.50",
    stack(
        ("invoices/pipeline.py", 81, "extract", "invoice = Invoice.validate(answer)"),
        ("invoices/model.py", 47, "validate", "raise ValidationError(field, message)"),
    ),
)
_TOO_LONG: Final = (
    "ContextLengthExceeded",
    "This model's maximum context length is 128000 tokens, the request has 139512",
    stack(("notes/model.py", 58, "chat", "raise ContextLengthExceeded(answer.error.message)")),
)
