"""An agent that resolves a ticket: 5,000 spans, with a refund that succeeds at the second try."""

from __future__ import annotations

import random
from typing import Final

from tracer.demo.calls import GPT_4O, GPT_4O_MINI, SONNET, system, user
from tracer.demo.dialects import About
from tracer.demo.scenarios.support import APP
from tracer.demo.story import Story, result, stack, tool_call

SPANS: Final = 5_000
WIDE: Final = 1_200
"""Search spans below one parent."""
_SHARDS: Final = 12
_DAYS: Final = 7
_BAD: Final = frozenset((211, 640, 1_003))

QUESTION: Final = "Thank you. Also, I was charged twice for invoice INV-20931. Please fix both."
ANSWER: Final = (
    "Both are on their way:\n\n"
    "1. **Refund.** €49.00 for the second charge of INV-20931 was sent back to your card. Banks"
    " take two to three days to show it.\n"
    "2. **Export.** Your account has more rows than our worker could read in one go. No data is"
    " lost. The export works again after tonight’s release, and we will send you the file.\n\n"
    "Your ticket is `SUP-5512`."
)
_ANALYSIS: Final = (
    "**The worker’s cursor is closed before the last page is read.** Release 2026.11.20 set the"
    " idle timeout to 60 s; large accounts need longer between two pages.\n\n"
    "209 of 214 failed jobs end with `CursorTimeout` at 60.0 s. All of them belong to accounts"
    " with over 90,000 rows. The 5 others are uploads cut by the customer’s own proxy.\n\n"
    "Fetch more rows at a time, so that the cursor is never idle:\n\n"
    "```python\n"
    'with conn.cursor(name="export") as cursor:\n'
    "    cursor.itersize = 5_000  # 500 left it idle for over 60 s\n"
    '    cursor.execute(INVOICES, {"account": account_id})\n'
    "    for row in cursor:\n"
    "        writer.writerow(row)\n"
    "```\n\n"
    "| rows per page | longest pause | result |\n| ---: | ---: | --- |\n"
    "| 500 | 64 s | closed |\n| 5,000 | 7 s | works |\n"
)
_DIAGNOSE: Final = system(
    "You are the diagnostics agent of the bookshop. You find why a job failed, from its logs"
    " alone. Never guess: name the line that proves it. Say what support may tell the customer,"
    " in one sentence."
)
_GATEWAY: Final = (
    "GatewayTimeout",
    "504 from the payment provider after 5.0 s",
    stack(
        ("billing/refunds.py", 73, "refund", "charge = self.provider.refund(charge_id)"),
        ("billing/provider.py", 118, "refund", "raise GatewayTimeout(answer.status)"),
    ),
)


def resolve_ticket(rng: random.Random, start: float, about: About) -> Story:
    """Return the trace of the ticket, with exactly `SPANS` spans."""
    seed = rng.random()
    others = len(_build(random.Random(seed), start, about, 0).trace.spans)
    return _build(random.Random(seed), start, about, SPANS - others)


def _build(rng: random.Random, start: float, about: About, searches: int) -> Story:
    story = Story(APP, rng, start, about)
    with story.step("agent", "resolve_ticket", QUESTION) as root:
        with story.step("guardrail", "screen_input", QUESTION) as guard:
            story.wait(0.4)
            guard.set_result({"allowed": True, "categories": ["billing"]})
        plan = "1. check both charges\n2. refund the second one\n3. find why the export fails"
        story.model_call(GPT_4O, [user(QUESTION)], plan, name="plan", context=2_100, cached=0.4)
        _gather(story)
        _refund(story)
        _diagnose(story, searches)
        conversation = [user(QUESTION), user(_ANALYSIS)]
        story.model_call(
            GPT_4O, conversation, ANSWER, name="final_answer", context=7_800, cached=0.7
        )
        with story.step("guardrail", "check_output", ANSWER) as guard:
            story.wait(0.4)
            guard.set_result({"allowed": True, "promises": ["refund"], "covered_by_tools": True})
        with story.step("evaluator", "judge_faithfulness", ANSWER) as judge:
            story.model_call(GPT_4O_MINI, [user(ANSWER)], '{"faithfulness": 0.91}', name="judge")
            judge.set_result({"faithfulness": 0.91})
        root.set_result(ANSWER)
    return story


def _gather(story: Story) -> None:
    with story.step("chain", "gather_context") as step:
        for branch in story.parallel(3):
            if branch == 0:
                with story.step("retriever", "retrieve_kb", "double charge, refund") as retrieval:
                    story.query("SELECT id, text FROM articles ORDER BY embedding <=> $1 LIMIT 5")
                    retrieval.set_result([{"id": "kb-112", "title": "Refunds", "score": 0.83}])
            elif branch == 1:
                charges = [{"id": "ch_1", "amount": 4900}, {"id": "ch_2", "amount": 4900}]
                story.tool("lookup_invoice", {"number": "INV-20931"}, {"charges": charges}, 0.6)
            else:
                story.tool("load_history", {"session_turns": 4}, {"turns": 4}, 1.6)
        step.set_result({"charges": 2, "articles": 1, "turns": 4})


def _refund(story: Story) -> None:
    arguments = {"charge": "ch_2", "amount": 4900, "currency": "EUR", "reason": "duplicate"}
    call = tool_call("refund_payment", **arguments)
    prompt = [user(QUESTION)]
    decision = story.model_call(GPT_4O, prompt, call, name="decide", context=5_400, cached=0.5)
    story.failed_step("tool", "refund_payment", arguments, 5.0, _GATEWAY)
    # The agent waits before the retry, and records nothing meanwhile: an idle time.
    story.trace.wait(3.1)
    done = {"refund": "re_7Q", "state": "pending", "settles_in_days": 3}
    story.tool("refund_payment", {**arguments, "attempt": 2}, done, 1.4)
    conversation = [*prompt, decision, result(call, done)]
    again = tool_call("export_diagnostics", job=88_121)
    story.model_call(GPT_4O, conversation, again, name="decide", context=6_300, cached=0.7)


def _diagnose(story: Story, searches: int) -> None:
    prompt = [
        _DIAGNOSE,
        user("The CSV export of `user-417` keeps failing. Find the cause of 88121"),
    ]
    with story.step("agent", "export_diagnostics", {"job": 88_121}) as agent:
        thought = "The four jobs end at the same second, so a limit ends them and not the data."
        call = tool_call("scan_logs", job_id=88_121, level=["warning", "error"])
        decision = story.model_call(
            SONNET, prompt, call, name="plan", thought=thought, context=8_900, cached=0.6
        )
        with story.step("tool", "scan_logs", dict(call.arguments)) as scan:
            _scan(story, searches)
            matches = {"matched": 214, "by_error": {"CursorTimeout": 209, "UploadReset": 5}}
            scan.set_result(matches)
        for shard in story.parallel(3):
            text = f"Shard {shard}: `CursorTimeout` at 60.0 s in every job of over 90,000 rows."
            story.model_call(GPT_4O_MINI, prompt, text, name="summarise_shard", context=5_900)
        conversation = [*prompt, decision, result(call, matches)]
        story.model_call(
            SONNET, conversation, _ANALYSIS, name="analyse", context=15_000, cached=0.74
        )
        story.tool("create_ticket", {"queue": "export", "severity": 2}, {"ticket": "SUP-5512"}, 1.2)
        agent.set_result(_ANALYSIS)


def _scan(story: Story, searches: int) -> None:
    """Add ``searches`` spans: up to `WIDE` in an index, the rest in logs per shard and day."""
    wide = min(searches, WIDE)
    with story.step("tool", "search_index", {"index": "jobs"}) as index:
        for number in range(wide):
            _search(story, number)
        index.set_result({"searches": wide, "failed": len(_BAD)})
    rest, leaves = searches - wide, _SHARDS * _DAYS
    for shard in story.parallel(_SHARDS):
        with story.step("chain", f"shard {shard + 1}", {"shard": shard}):
            for day in range(_DAYS):
                with story.step("span", f"day {day + 1}"):
                    leaf = shard * _DAYS + day
                    for number in range(rest // leaves + (leaf < rest % leaves)):
                        _search(story, WIDE + number)


def _search(story: Story, number: int) -> None:
    arguments = {"page": number, "query": "export AND (timeout OR reset)"}
    if number in _BAD:
        error = ("CursorTimeout", 'cursor "export" does not exist', _CURSOR_STACK)
        story.failed_step("tool", "search", arguments, 0.05, error)
    else:
        story.tool("search", arguments, {"hits": story.rng.randrange(4)}, 0.003)


_CURSOR_STACK: Final = stack(
    ("logs/search.py", 88, "search", "for row in cursor:"),
    ("logs/cursor.py", 40, "__next__", "raise CursorTimeout(self.name)"),
)
