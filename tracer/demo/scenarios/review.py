"""Code review: the files of a pull request in parallel, a truncated answer, a summary."""

from __future__ import annotations

import random
from typing import Final, NamedTuple

from tracer.demo.calls import GPT_4O_MINI, SONNET, system, user
from tracer.demo.dialects import LANGFUSE, About
from tracer.demo.story import App, Story

APP: Final = App("code-review", LANGFUSE)
_RULES: Final = system(
    "Review the change to one file. Name bugs first, then what a reader will trip over. Quote the"
    " line. Praise nothing. Say “no remarks” if there are none."
)


class Change(NamedTuple):
    """A pull request: its number, its title, and the changed files."""

    number: int
    title: str
    files: tuple[str, ...]


CHANGES: Final = (
    Change(
        4417,
        "Move the session store to PostgreSQL",
        ("store/session.py", "store/schema.py", "app/login.py", "tests/test_session.py"),
    ),
    Change(4409, "Rewrite the retry policy", ("http/retry.py", "http/client.py", "config.py")),
    Change(4421, "Export: fetch 5,000 rows at a time", ("export/worker.py", "export/cursor.py")),
    Change(4398, "Round prices half to even", ("billing/money.py", "billing/invoice.py")),
    Change(
        4425,
        "Search: rank by freshness as well",
        ("search/rank.py", "search/index.py", "search/query.py", "search/score.py", "docs/rank.md"),
    ),
)
_REMARKS: Final = (
    "1. **Bug:** the transaction is committed before the row is written:\n\n"
    "```diff\n-    conn.commit()\n     store.save(session)\n+    conn.commit()\n```\n\n"
    "2. `timeout` is in milliseconds here and in seconds in its caller. Name the unit.",
    "No remarks.",
    "1. **Bug:** the loop ends one attempt early, `<` should be `<=`:\n\n"
    "```python\nwhile attempt < self.attempts:\n    attempt += 1\n```\n\n"
    "2. The jitter is drawn once for all attempts, so clients that failed together retry"
    " together.",
    "1. **Bug:** `limit=0` means *no limit* here, and *nothing* one layer below.\n"
    "2. The test asserts what it has just set up; it can't fail.",
    "Line 23 builds SQL out of a name that a user chooses. Pass it as a parameter:\n\n"
    '```python\ncursor.execute("SELECT * FROM jobs WHERE name = %s", [name])\n```',
    "1. `except Exception` hides the `CancelledError` that the caller waits for.\n"
    "2. The name `data` is used for two different things, lines 40 and 61.",
)
_CUT: Final = (
    "1. **Bug:** `load()` reads the session without its lock, so that two requests may both see"
    " the old one:\n\n```python\ndef load(self, key: str) -> Session:\n    row = self.conn.execute("
    "\n        sa.select(sessions).where(sessions.c.key == key)\n    ).one_or_none()\n    if row is"
)


def review(rng: random.Random, start: float, change: Change, *, cut: bool = False) -> Story:
    """Return the trace of a review; ``cut``: the first answer stops at the token limit."""
    about = About(
        *("ci-bot", f"pr_{change.number}", ("agent", "review")),
        metadata={"pull_request": change.number, "files": len(change.files)},
    )
    story = Story(APP, rng, start, about)
    with story.step("agent", "code_review", f"PR {change.number}: {change.title}") as root:
        story.tool("list_files", {"pull_request": change.number}, list(change.files), 0.4)
        remarks = rng.sample(_REMARKS, len(change.files))
        if cut:
            remarks[0] = _CUT
        for number in story.parallel(len(change.files)):
            _file(story, change.files[number], remarks[number])
        written = "\n\n".join(
            f"### {file}\n\n{text}" for file, text in zip(change.files, remarks, strict=True)
        )
        verdict = "request_changes" if any("Bug" in text for text in remarks) else "approve"
        prompt = [system("Sum the remarks up in two sentences."), user(written)]
        summary = (
            f"{sum('Bug' in text for text in remarks)} bugs in {len(remarks)} files: `{verdict}`."
        )
        story.model_call(GPT_4O_MINI, prompt, summary, name="summarise")
        story.request("POST", "https://git.example/api/reviews", 201, 0.5)
        root.set_result(f"{summary}\n\n{written}")
    return story


def _file(story: Story, path: str, text: str) -> None:
    cut = text is _CUT
    with story.step("chain", f"review {path}", {"path": path}) as step:
        story.tool("read_diff", {"path": path}, f"@@ -12,7 +12,9 @@ {path}", 0.2)
        story.model_call(
            *(SONNET, [_RULES, user(f"```diff\n@@ -12,7 +12,9 @@ {path}\n```")], text),
            thought="" if cut else "What happens when the connection is lost between the two?",
            context=story.rng.randrange(1_800, 7_000),
            cached=0.35,
            finish="length" if cut else "",
            name="review_file",
        )
        step.set_result(text)
