"""Batches as low-code tools send them, written after their documentation."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

PUBLIC = "/api/public"


def send(client: FlaskClient, *events: tuple[str, dict[str, Any]]) -> None:
    batch = [
        {
            "id": f"event-{number}",
            "timestamp": f"2026-05-01T08:00:0{number}.000Z",
            "type": kind,
            "body": body,
        }
        for number, (kind, body) in enumerate(events)
    ]
    answer = client.post(f"{PUBLIC}/ingestion", json={"batch": batch, "metadata": {"sdk": "x"}})
    assert answer.status_code == 207, answer.text
    assert answer.get_json()["errors"] == []


def read(client: FlaskClient, trace_id: str) -> tuple[Any, dict[str, Any]]:
    trace = client.get(f"{PUBLIC}/traces/{trace_id}").get_json()
    return trace, {observation["name"]: observation for observation in trace["observations"]}


def test_a_workflow_tool_sends_its_run_and_the_nodes_of_it(client: FlaskClient) -> None:
    """Dify-like: a trace by its message, a span for each node, tokens and money on the model's."""
    run, tags = "4e0e5d4a-0000-4000-8000-000000000001", ["message", "workflow"]
    metadata = {"workflow_id": "w", "conversation_id": "c", "from_source": "api", "elapsed": 1.5}
    time = "2026-05-01T08:00:00.000000+00:00"
    usage = {"input": 120, "output": 30, "total": 150, "unit": "TOKENS", "totalCost": 0.0042}
    node = {"traceId": run, "parentObservationId": "node", "level": "DEFAULT"}
    send(
        client,
        (
            "trace-create",
            {
                "id": run,
                "name": "workflow_trace",
                "userId": "end-user",
                "sessionId": "c",
                "input": {"sys.query": "Où est ma commande ?"},
                "output": {"answer": "En route."},
                "metadata": metadata,
                "tags": tags,
                "version": None,
                "public": None,
            },
        ),
        ("span-create", {"id": "node", "traceId": run, "name": "workflow", "startTime": time}),
        (
            "span-create",
            {
                **node,
                "id": "retrieval",
                "name": "knowledge-retrieval",
                "startTime": time,
                "endTime": "2026-05-01T08:00:00.400000+00:00",
                "output": {"result": [{"title": "faq", "score": 0.9}]},
                "metadata": {"status": "succeeded"},
            },
        ),
        (
            "generation-create",
            {
                **node,
                "id": "llm",
                "name": "llm",
                "startTime": time,
                "endTime": "2026-05-01T08:00:01.400000+00:00",
                "model": "gpt-4o",
                "modelParameters": {"temperature": 0.7, "stop": ["\n"]},
                "usage": usage,
                "input": [{"role": "user", "text": "Où est ma commande ?", "files": []}],
                "output": "En route.",
                "promptName": None,
            },
        ),
        (
            "span-update",
            {"id": "node", "traceId": run, "endTime": "2026-05-01T08:00:02Z", "level": "ERROR"},
        ),
    )
    trace, observations = read(client, run)
    assert (trace["userId"], trace["sessionId"], trace["tags"]) == ("end-user", "c", tags)
    assert trace["metadata"] == metadata
    assert trace["totalCost"] == 0.0042
    assert observations["llm"]["usageDetails"] == {"input": 120, "output": 30, "total": 150}
    assert observations["llm"]["modelParameters"] == {"temperature": 0.7, "stop": ["\n"]}
    assert (
        observations["knowledge-retrieval"]["parentObservationId"] == observations["workflow"]["id"]
    )
    assert (observations["workflow"]["level"], observations["workflow"]["latency"]) == ("ERROR", 2)


def test_a_chat_builder_sends_starts_and_ends_apart(client: FlaskClient) -> None:
    """Flowise-like: each step is created when it starts and updated when it ends, in batches."""
    chat = {"id": "chat", "name": "chatflow", "sessionId": "s", "metadata": {"tags": ["Openai"]}}
    step = {"id": "chain", "traceId": "chat", "name": "LLMChain"}
    call = {"id": "call", "traceId": "chat", "parentObservationId": "chain", "name": "ChatOpenAI"}
    send(
        client,
        ("trace-create", {**chat, "input": "hi"}),
        ("span-create", {**step, "startTime": "2026-05-01T08:00:00Z", "input": {"input": "hi"}}),
        (
            "generation-create",
            {
                **call,
                "startTime": "2026-05-01T08:00:00Z",
                "model": "gpt-4o-mini",
                "input": [{"content": "hi", "role": "user"}],
            },
        ),
    )
    assert read(client, "chat")[1]["ChatOpenAI"]["endTime"] is None
    used = {"promptTokens": 9, "completionTokens": 3, "totalTokens": 12}
    send(
        client,
        (
            "generation-update",
            {"id": "call", "endTime": "2026-05-01T08:00:01Z", "output": "hello", "usage": used},
        ),
        ("span-update", {"id": "chain", "endTime": "2026-05-01T08:00:01Z", "output": "hello"}),
        ("trace-create", {"id": "chat", "output": "hello"}),
        ("score-create", {"id": "up", "traceId": "chat", "name": "feedback", "value": 1}),
    )
    trace, observations = read(client, "chat")
    assert (trace["input"], trace["output"], trace["name"]) == ("hi", "hello", "chatflow")
    assert [score["name"] for score in trace["scores"]] == ["feedback"]
    assert (
        observations["ChatOpenAI"]["promptTokens"],
        observations["ChatOpenAI"]["completionTokens"],
    ) == (9, 3)
    assert observations["ChatOpenAI"]["calculatedTotalCost"] > 0
    assert observations["LLMChain"]["output"] == "hello"


def test_an_automation_sends_one_execution_by_a_plain_request(client: FlaskClient) -> None:
    """n8n-like: an HTTP node posts what an execution did, with numbers for ids and no ends."""
    send(
        client,
        ("trace-create", {"id": "231", "name": "My workflow", "metadata": [{"node": "Webhook"}]}),
        (
            "event-create",
            {"id": "231-1", "traceId": "231", "name": "Webhook", "input": {"body": {"q": 1}}},
        ),
        (
            "generation-create",
            {
                "id": "231-2",
                "traceId": "231",
                "name": "AI Agent",
                "model": "gpt-4o",
                "usage": {"promptTokens": 5, "completionTokens": 2},
                "output": {"text": "done"},
            },
        ),
        ("sdk-log", {"log": {"level": "info"}}),
    )
    trace, observations = read(client, "231")
    assert trace["metadata"] == {"metadata": [{"node": "Webhook"}]}
    assert observations["Webhook"]["type"] == "EVENT"
    assert (observations["AI Agent"]["totalTokens"], observations["AI Agent"]["output"]) == (
        7,
        {"text": "done"},
    )
