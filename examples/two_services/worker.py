"""The worker of `api.py`, without a framework: continues the trace from the request headers."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import tracer.sdk as tracer

tracer.init(service="worker")


@tracer.observe(kind="agent")
def work(question: str) -> str:
    with tracer.generation("think", model="gpt-4o", input=question) as call:
        call.update(output="Because.", usage={"input": 12, "output": 3})
    return "Because."


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with tracer.continue_trace(dict(self.headers)):
            answer = work(request["question"])
        body = json.dumps({"answer": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the requests are in Tracer."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8002"))), Handler).serve_forever()
