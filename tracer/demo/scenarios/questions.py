"""A RAG application that answers questions from documentation: embed, search, rerank, generate."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from tracer.demo.calls import GPT_4O_MINI, Message, system, user
from tracer.demo.dialects import OPENINFERENCE, About
from tracer.demo.story import App, Story, stack

APP: Final = App("docs-assistant", OPENINFERENCE)
_RULES: Final = (
    "Answer from the documents below alone. Cite them as [1], [2]. Say that you do not know when"
    " they do not say it.\n\n{documents}"
)


class Known(NamedTuple):
    """A question, its answer, and the titles of the documents that contain it."""

    question: str
    answer: str
    titles: Sequence[str]


KNOWN: Final = (
    Known(
        "What is the retention period for audit logs in the EU region?",
        "Audit logs are kept for **400 days** in the EU region [1]. You can shorten that to 30"
        " days, but not lengthen it [2].",
        ("Audit logs › Retention", "Regions › European Union", "Settings › Data"),
    ),
    Known(
        "How do I rotate an API key without downtime?",
        "Two keys may be valid at the same time, so:\n\n1. make a second key [1],\n2. roll it"
        " out,\n3. watch *last used* of the old one until it stops [1],\n4. revoke it.\n\n"
        "```sh\nshop keys create next\nshop keys revoke old\n```",
        ("API keys › Rotation", "CLI › keys", "API keys › Last used"),
    ),
    Known(
        "Does the exporter retry on 429?",
        "Yes. It waits as long as `Retry-After` says, at most five times [1]. Other 4xx answers"
        " are not retried [2].",
        ("Exporter › Retries", "Exporter › Errors"),
    ),
    Known(
        "what does error E1042 mean",
        "`E1042` says that a webhook's certificate is not trusted [1]. The usual cause is a"
        " missing intermediate certificate; check with `openssl s_client -showcerts` [1].",
        ("Errors › E10xx", "Webhooks › Certificates"),
    ),
    Known(
        "Is there a limit on items per order?",
        "An order holds up to 500 items through the API and 100 in the shop [1].",
        ("Orders › Limits",),
    ),
    Known(
        "Which regions can I pin my data to?",
        "The EU, the US and Japan [1]. A project's region is chosen when it is made and can't be"
        " changed later [2].",
        ("Regions › Overview", "Projects › Create"),
    ),
    Known(
        "can I self-host on ARM?",
        "Yes, images for `linux/arm64` are published with every release [1].",
        ("Self-hosting › Requirements", "Self-hosting › Images"),
    ),
    Known(
        "Wie lange werden Protokolle aufbewahrt?",
        "In der EU 400 Tage [1]. Sie können die Frist auf 30 Tage verkürzen [2].",
        ("Audit logs › Retention", "Settings › Data"),
    ),
    Known(
        "How do I export orders to S3?",
        "Create an export with a bucket and a role that may write there [1]:\n\n```json\n"
        '{"format": "parquet", "bucket": "s3://my-bucket/orders", "every": "day"}\n```\n\n'
        "The first one holds everything, the following ones what changed [2].",
        ("Exports › S3", "Exports › Schedules"),
    ),
    Known(
        "Do webhooks arrive in order?",
        "The documents do not say so. Each delivery has a sequence number [1]; use it to put them"
        " in order.",
        ("Webhooks › Delivery",),
    ),
    Known(
        "why is my search index empty after the import",
        "The index is filled after the import, at about 10,000 items a minute [1]. Its state is"
        " under *Search › Status*.",
        ("Search › Indexing", "Imports › Overview"),
    ),
)
_LIMIT: Final = (
    "RateLimitError",
    "429: 200,000 tokens per minute reached, try again in 1.2 s",
    stack(
        ("assistant/answer.py", 66, "answer", "reply = client.chat.completions.create(**request)"),
        ("assistant/client.py", 29, "create", "raise RateLimitError(reply)"),
    ),
)


def answer_question(rng: random.Random, start: float, about: About, *, limited: bool) -> Story:
    """Return the trace of a question; ``limited``: the model call fails at a rate limit."""
    known = rng.choice(KNOWN)
    story = Story(APP, rng, start, about)
    with story.step("chain", "answer_question", known.question) as root:
        documents = _retrieve(story, known)
        shown = "\n\n".join(
            f"[{n}] {document['content']}" for n, document in enumerate(documents, 1)
        )
        prompt = [system(_RULES.format(documents=shown)), user(known.question)]
        if limited:
            story.failed_call(GPT_4O_MINI, prompt, 0.3, _LIMIT)
            root.span.status("RateLimitError: " + _LIMIT[1])
            return story
        story.model_call(
            GPT_4O_MINI, prompt, known.answer, context=380, cached=rng.choice((0, 0, 0.4))
        )
        if rng.random() < 0.25:
            _judge(story, prompt, known.answer)
        root.set_result(known.answer)
    return story


def _retrieve(story: Story, known: Known) -> list[dict[str, str | float]]:
    """Add search and rerank; return the documents for the prompt."""
    documents = [
        _document(story.rng, title) for title in (*known.titles, *_others(story.rng, known))
    ]
    with story.step("retriever", "retrieve", known.question) as step:
        story.embed(known.question)
        story.query(
            "SELECT id, title, content, 1 - (embedding <=> $1) AS score\n"
            "FROM articles\nORDER BY embedding <=> $1\nLIMIT 8",
            0.035,
        )
        step.set_result(documents)
    best = sorted(documents, key=lambda document: -float(document["score"]))[:3]
    with story.step("reranker", "rerank", known.question) as step:
        story.wait(0.14)
        step.set_result(best)
    return best


def _others(rng: random.Random, known: Known) -> list[str]:
    titles = sorted({title for item in KNOWN for title in item.titles} - set(known.titles))
    return rng.sample(titles, 8 - len(known.titles))


def _document(rng: random.Random, title: str) -> dict[str, str | float]:
    subject = title.rpartition(" › ")[2].lower()
    text = (
        f"{title}\nThis page is about {subject}. What is said here holds for all plans unless a"
        f" plan is named. Changes to {subject} take effect within a minute and are written to the"
        " audit log together with who made them."
    )
    return {
        "id": f"doc-{rng.randrange(1000, 9999)}",
        "content": text,
        "score": round(rng.uniform(0.42, 0.93), 3),
        "metadata": json.dumps({"title": title}, ensure_ascii=False),
    }


def _judge(story: Story, prompt: Sequence[Message], answer: str) -> None:
    with story.step("evaluator", "judge_groundedness", answer) as judge:
        score = round(story.rng.uniform(0.7, 1.0), 2)
        conversation = [system("Is each sentence backed by a document?"), *prompt[1:], user(answer)]
        story.model_call(GPT_4O_MINI, conversation, f'{{"groundedness": {score}}}', context=600)
        judge.set_result({"groundedness": score})
        judge.span.score("groundedness", score, "rated by the model")
