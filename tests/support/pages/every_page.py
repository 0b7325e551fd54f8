"""Every page and fragment, in each of its states, of a project that has some of everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Flask, url_for
from flask.testing import FlaskClient
from msgspec.structs import replace

from tests.support.access.members import PASSWORD, log_in, make_member
from tests.support.pages.requests import SAME_ORIGIN
from tests.support.pages.sample_traces import TraceBuilder, agent_trace, chat_message, wide_trace
from tracer.dashboards.library import ready
from tracer.pricing.price_book import PriceDraft
from tracer.pricing.rates import Rates, Tier
from tracer.records import Batch, ScoreRecord
from tracer.store.annotations.bookmarks import set_bookmark
from tracer.store.annotations.comments import create_comment, edit_comment
from tracer.store.annotations.shares import create_share
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.database.session import transaction
from tracer.store.jobs.changes import TagEdit
from tracer.store.jobs.jobs import create_job
from tracer.store.library.dashboards import create_dashboard
from tracer.store.library.dataset_runs import add_run_item, save_run
from tracer.store.library.datasets import save_dataset, save_item
from tracer.store.library.prompts import PromptDraft, create_version
from tracer.store.library.saved_views import save_view
from tracer.store.members.invitations import create_invitation
from tracer.store.members.links import create_password_link
from tracer.store.members.mail_server import set_mail_server
from tracer.store.projects.prices import create_price
from tracer.store.projects.projects import create_project
from tracer.web.services import services

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
TRACE, SESSION = "a" * 32, "chat_91c2"
FORM = {**FRAGMENT, "Sec-Fetch-Site": "same-origin"}
AXIS = {"t": "0-1-d"}
# Pages whose address names a trace outside of its path.
OF_TRACES = ("ui.compare",)
# Queries that show a page in another state; without an entry a page is asked for as it is.
STATES: dict[str, list[dict[str, Any]]] = {
    "ui.trace_list": [
        {"q": "charged", "peek": TRACE},
        *({}, {"q": "has:score start:>-24h", "sort": "-cost"}, {"q": "name:nothing"}),
        {"q": "latncy:>2s", "columns": "name,model,metadata.plan,score.helpful"},
        *({"live": "1"}, {"part": "rows"}),
    ],
    "ui.bulk": [{"q": "", "action": action} for action in ("", "tag", "score", "bookmark")],
    "ui.bulk_delete": [{"trace": TRACE}, {"q": "name:nothing"}],
    "ui.export": [{}, {"q": "name:resolve_ticket", "columns": "name"}],
    "ui.compare": [{"now": TRACE}, {"then": "c" * 32, "now": TRACE, "span": "rich"}],
    "ui.differs": [{}, {"q": "name:resolve_ticket"}, {"q": "start:>-24h", "against": "before"}],
    "ui.session_list": [{}, {"q": "user:nobody"}],
    "ui.span_list": [{}, {"q": "level:error", "columns": "name:90,input,score.good,metadata.a"}],
    "ui.user_list": [{}, {"of": "all", "sort": "-cost"}],
    "ui.list_histogram": [{}, {"list": "generation_list", "over": "latency"}],
    "ui.complete_query": [{"q": "sta"}, {"q": "name:"}, {"q": "metadata."}],
    "ui.go_to": [{"to": "res"}],
    "ui.trace": [
        {},
        {"q": "refund", "span": "refund"},
        {"span": "nothing"},
        {"tab": "scores"},
        {"tab": "comments"},
        *({"span": "rich", "tab": tab} for tab in ("io", "metadata", "events", "scores")),
        *({"span": "rich", "tab": tab} for tab in ("comments", "context", "mapping", "raw")),
        {"idle": "short", "zoom": "0-1"},
    ],
    "ui.trace_transcript": [{}, {"sent": "whole"}, {"q": "now"}, {"q": "nowhere"}],
    "ui.trace_spans": [AXIS, {**AXIS, "parent": "root", "depth": 1}],
    "ui.trace_live": [AXIS, {**AXIS, "zoom": "", "q": "refund"}],
    "ui.trace_span": [{"id": "rich", "tab": tab} for tab in ("io", "scores", "comments")],
    "ui.trace_value": [
        *({"at": "/name"}, {"at": "/input", "text": "all"}),
        {"at": "/input", "id": "rich"},
    ],
    "ui.trace_log": [{"span": "rich"}, {"q": "refund"}],
    "ui.dataset": [{}, {"show": "archived"}, {"did": "archive", "count": 1, "item": "i"}],
    "ui.compare_runs": [{}, {"run": ["v1", "v2"]}],
    "ui.price_list": [{"model": "house"}, {"model": "gpt-4o"}, {"model": "nobody's"}],
    "ui.project_home": [{}, {"tiles": "inline"}, {"tiles": "inline", "q": "latncy:>2s"}],
    "ui.dashboard": [{}, {"tiles": "inline"}],
    "ui.dashboard_tile": [{}, {"part": "chart"}],
    "ui.standing": [{}, {"id": "rich"}],
    "ui.comparison": [{}, {"of": ["gpt-4o", "house"]}],
    "ui.edit_dashboard": [{}, {"tile": "0"}, {"tile": "new"}],
    "share.trace": [{}, {"tab": "comments"}],
    "share.spans": [AXIS],
    "share.span": [{"id": "rich"}],
    "share.value": [{"at": "/input"}, {"at": "/input", "text": "all"}],
}


def fill(app: Flask, store_traces: Callable[..., None]) -> dict[str, Any]:
    """Store some of everything; return the values of the variables in addresses."""
    call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    messages = [chat_message("system", "Be brief."), {"role": "assistant", "tool_calls": [call]}]
    event = {"name": "exception", "attributes": {"exception.stacktrace": "Traceback"}}
    trace = agent_trace(input=messages).generation(
        *("rich", "root", 6, 8),
        input=messages,
        tools=[{"name": "find"}],
        events=[event],
        links=[{"trace_id": "b" * 32, "span_id": "root"}],
        flags=["truncated"],
    )
    # The same messages again, so that the statistics have a part on context.
    longer = [*messages, chat_message("user", "And now?")]
    trace.generation("again", "root", 8, 9, input=longer)
    trace.span("lost", "never came").span("open", "root", 8, None)
    trace.score("helpful", 1, "rich").score("kind", 0.5)
    groups = (
        TraceBuilder("c" * 32, name="runs")
        .span("root", None, 0, 60, kind="agent")
        .model_calls("root", 30)
    )
    store_traces(trace, groups, wide_trace())
    with app.app_context(), transaction():
        set_mail_server("smtp://127.0.0.1:1/?from=tracer@example.com")
        known = _annotations() | _library() | {"trace_id": TRACE, "session_id": SESSION}
        known["user_id"] = "user-417"
    score = ScoreRecord(score_id="s", name="good", data_type="text", string_value="yes", time=0)
    score.run_id = known["run_id"]
    services(app).writer.write("default", Batch(scores=[score]))
    return known


def _annotations() -> dict[str, Any]:
    ada = Author(name="Ada", author_id="reader:1")
    trace = Subject(project_id="default", trace_id=TRACE)
    session = Subject(project_id="default", session_id=SESSION)
    for subject in (trace, session, Subject(project_id="default", trace_id=TRACE, span_id="rich")):
        comment = create_comment(subject, "Look **here**", ada)
        edit_comment("default", comment.comment_id, "Look *there*")
        set_bookmark(subject, present=True, author=ada)
    _, of_trace = create_share(trace, ada, show_comments=True)
    _, of_session = create_share(session, ada, show_comments=True)
    _, invitation = create_invitation(
        "default", "guest@example.com", "member", "", timedelta(days=1)
    )
    tokens = {"share.page": of_session, "ui.invitation": invitation, "": of_trace}
    return {"tokens": tokens, "code": create_password_link("nobody")}


def _library() -> dict[str, Any]:
    tier = Tier(prices={"input": Decimal(2)}, above=200_000, parameters={"service_tier": "flex"})
    rates = Rates(base={"input": Decimal(1)}, tiers=[tier])
    price = create_price("default", PriceDraft(model="house*", rates=rates))
    chat = [chat_message("user", "{{question}}")]
    create_version("default", PromptDraft(name="faq", type="chat", prompt=chat, config={"a": 1}))
    dataset = save_dataset("default", "faq", {"description": "Questions", "metadata": {"a": 1}})
    save_item("default", dataset.dataset_id, "i", {"input": "Why?"})
    run = save_run("default", dataset.dataset_id, "v1", "A run", {"a": 1})
    for earlier in ("v2", "v1"):
        other = save_run("default", dataset.dataset_id, earlier, None, None)
        add_run_item("default", other.run_id, "i", TRACE, None)
    create_project("empty", "Empty")
    job = create_job("default", TagEdit({"seen": True}), [TRACE], query="", delay=600)
    ada = Author(name="Ada", author_id="reader:1")
    view = save_view("default", "trace_list", "Failed", "q=status:error", ada, shared=True)
    names = {
        "view_id": view,
        "name": "faq",
        "item_id": "i",
        "run": "v1",
        "price_id": price.price_id,
    }
    return names | {"run_id": run.run_id, "job_id": job.job_id} | _dashboard()


def _dashboard() -> dict[str, Any]:
    latency = ready("latency")
    assert latency is not None
    board = replace(latency, tiles=latency.tiles[:2])
    made = create_dashboard("default", board, Author(name="Ada"))
    return {"dashboard_id": made.dashboard_id, "number": 0}


def addresses(app: Flask, known: dict[str, Any]) -> list[str]:
    """Return the address of every page and fragment, in each of its states."""
    paths = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            blueprint = rule.endpoint.partition(".")[0]
            if blueprint not in ("ui", "share") or "GET" not in (rule.methods or ()):
                continue
            # JSON and files have no template; single sign-on needs a provider.
            if rule.endpoint.endswith(("_json", "_download")) or "single_sign_on" in rule.endpoint:
                continue
            tokens = known["tokens"]
            values = known | {"token": tokens.get(rule.endpoint, tokens[""])}
            everywhere = rule.arguments == {"project_id"} and rule.endpoint not in OF_TRACES
            projects = ("default", "empty") if everywhere else ("default",)
            for project_id in projects:
                chosen = values | {"project_id": project_id}
                path = {name: chosen[name] for name in rule.arguments}
                paths += [
                    url_for(rule.endpoint, **path, **state)
                    for state in STATES.get(rule.endpoint, [{}])
                ]
    return paths


def see_everything(client: FlaskClient, paths: list[str]) -> Iterator[tuple[str, str]]:
    """Request every address as a browser and as htmx; yield each with its response."""
    for path in paths:
        for headers in ({}, FRAGMENT):
            answer = client.get(path, headers=headers)
            assert answer.status_code < 400, (path, answer.text)
            yield path, answer.text
    for path in ("/project/default/traces/nothing", "/project/nothing/traces"):
        answer = client.get(path)
        assert answer.status_code == 404
        yield path, answer.text
    for path, form in _forms():
        answer = client.post(path, data=form | {"reader": "Ada"}, headers=FORM)
        assert answer.status_code == 200, (path, answer.text)
        yield path, answer.text
    yield from _see_as_members(client.application)


def _see_as_members(app: Flask) -> Iterator[tuple[str, str]]:
    """Yield pages that only members see; from here on the application asks for logins."""
    owner = make_member(app, "owner", "owner", administrator=True)
    client = app.test_client()
    yield "/login", client.get("/login").text
    yield "/login", log_in(client, "owner", "wrong").text
    log_in(client, "owner")
    members = "/project/default/settings/members"
    for path in ("/account", members, "/project/default/audit", "/server/audit"):
        yield path, client.get(path).text
    invited = {"address": "new@example.com", "role": "viewer", "days": "1"}
    for path, form in (
        ("/account/codes", {"current": PASSWORD}),
        ("/account/tokens", {"token": "mcp", "kind": "read", "days": "30"}),
        (f"{members}/invitations", invited),
        ("/project/default/settings/keys", {"name": "ci", "kind": "read", "days": "90"}),
        (f"/server/members/{owner.member_id}/password", {}),
    ):
        answer = client.post(path, data=form, headers=SAME_ORIGIN)
        assert answer.status_code < 300, (path, answer.text)
        yield path, answer.text


def _forms() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each form that answers with HTML, and what it sends."""
    trace = f"/project/default/traces/{TRACE}"
    for target in (trace, f"/project/default/sessions/{SESSION}"):
        # The second time the visitor has a name, and comments and scores of their own.
        for _ in range(2):
            yield f"{target}/bookmark", {}
            yield f"{target}/comments", {"text": "Hi"}
            yield f"{target}/scores", {"name": "good", "data_type": "boolean", "yes": "yes"}
        yield f"{target}/shares", {"lasts": "7d"}
    yield f"{trace}/scores", {"menu": "1", "lines": "1", "line.good": "yes"}
    yield f"{trace}/tags", {"add": "new"}
    yield "/project/default/datasets/faq/items", {"item": "i", "action": "delete"}
