"""What the tests of Langfuse's read API read."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.langfuse.events import T, event, ingest


@pytest.fixture
def filled(client: FlaskClient) -> FlaskClient:
    """Three traces: t0 of user u0 in session s, with a generation below a span, and scores."""
    for n in range(3):
        ingest(
            client,
            event(
                "trace-create",
                n,
                id=f"t{n}",
                name=f"name{n % 2}",
                userId=f"u{n}",
                sessionId="s" if n < 2 else None,
                timestamp=T.format(n * 10),
                tags=["all", f"tag{n}"],
                environment="prod" if n else "dev",
                metadata={"n": str(n), "deep": {"k": n}},
                input={"question": n},
                release="r",
                version="v",
            ),
        )
    ingest(
        client,
        event(
            "span-create",
            id="outer",
            traceId="t0",
            name="outer",
            startTime=T.format(1),
            endTime=T.format(5),
            input="plain",
            metadata={"long": "x" * 300, "number": 5},
        ),
        event(
            "generation-create",
            id="llm",
            traceId="t0",
            parentObservationId="outer",
            name="llm",
            startTime=T.format(2),
            endTime=T.format(4),
            completionStartTime=T.format(3),
            model="gpt-4o",
            input=[{"role": "user", "content": "hi"}],
            output="hello",
            usageDetails={"input": 10, "output": 5, "input_cached_tokens": 2},
            costDetails={"input": 0.01, "output": 0.02},
            level="ERROR",
            version="own",
        ),
        event("score-create", 1, id="q1", traceId="t0", name="good", value=0.5, comment="c"),
        event(
            "score-create", 2, id="q2", traceId="t0", observationId="llm", name="ok", value="yes"
        ),
        event("score-create", 3, id="q3", traceId="t1", name="good", value=1),
        event("score-create", 4, id="q4", sessionId="s", name="flag", value=1, dataType="BOOLEAN"),
        event("score-create", 5, id="q5", traceId="t1", name="note", value="w", dataType="TEXT"),
    )
    return client
