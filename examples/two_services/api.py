"""A FastAPI service that sends questions to a worker in another process.

pip install fastapi uvicorn httpx opentelemetry-instrumentation-fastapi
python examples/two_services/worker.py &
python examples/two_services/api.py &
curl 'http://127.0.0.1:8001/ask?question=Why'
"""

import os

import httpx
import uvicorn
from fastapi import FastAPI

import tracer.sdk as tracer

WORKER = os.environ.get("WORKER_URL", "http://127.0.0.1:8002")

tracer.init(service="api")
app = FastAPI()
tracer.fastapi(app)


@app.get("/ask")
async def ask(question: str, user: str = "user-1") -> dict[str, str | None]:
    with tracer.session("chat-1", user=user):
        answer = await delegate(question)
    return {"answer": answer, "trace": tracer.current_trace_url()}


@tracer.observe
async def delegate(question: str) -> str:
    async with httpx.AsyncClient() as client:
        # The headers pass trace, session and user on to the worker.
        reply = await client.post(
            f"{WORKER}/work", json={"question": question}, headers=tracer.headers()
        )
    return reply.json()["answer"]


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8001")), log_level="warning")
