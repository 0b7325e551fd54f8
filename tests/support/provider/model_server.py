"""A stand-in for model providers on loopback: OpenAI, Anthropic, Gemini, Bedrock by their paths."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Final
from urllib.parse import unquote

from tests.support.provider import (
    anthropic_messages,
    bedrock,
    gemini,
    openai_chat,
    openai_responses,
)
from tests.support.provider.loopback import Handler, on_loopback
from tests.support.provider.turns import Json, failure_status

APIS: Final[dict[str, ModuleType]] = {
    "/v1/chat/completions": openai_chat,
    "/v1/responses": openai_responses,
    "/v1/messages": anthropic_messages,
}
_BEDROCK: Final = re.compile(r"/model/([^/]+)/converse")
_GEMINI: Final = re.compile(r"/v1(?:beta|beta1)?/models/([^:/]+):(\w+)")


class _Provider(Handler):
    def do_POST(self) -> None:
        request: Json = json.loads(self.body())
        path = self.path.partition("?")[0]
        if match := _GEMINI.fullmatch(path):
            request["model"] = match[1]
            self._answer(gemini, request, streamed=match[2] == "streamGenerateContent")
        elif match := _BEDROCK.fullmatch(path):
            request["model"] = unquote(match[1])
            self._answer(bedrock, request, streamed=False)
        elif path == "/v1/embeddings":
            self.reply(200, openai_chat.embeddings(request))
        elif path in APIS:
            self._answer(APIS[path], request, streamed=bool(request.get("stream")))
        else:
            self.reply(404, {"error": {"message": f"no such path: {path}"}})

    def _answer(self, api: ModuleType, request: Json, *, streamed: bool) -> None:
        status = failure_status(request["model"]) or int(self.headers.get("X-Fail") or 0)
        if status:
            self.reply(status, failed(api, status))
        elif streamed:
            self._stream(api.stream(request))
        else:
            self.reply(200, api.answer(request))

    def reply(self, status: int, body: Json) -> None:
        self.send(status, json.dumps(body).encode())

    def _stream(self, events: Iterator[tuple[str | None, Json | str]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        # The end of the stream is the end of the connection.
        self.send_header("Connection", "close")
        self.end_headers()
        for name, data in events:
            text = data if isinstance(data, str) else json.dumps(data)
            named = f"event: {name}\n" if name else ""
            self.wfile.write(f"{named}data: {text}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True


MESSAGE: Final = "the model was told to fail"
_STATES: Final = {400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
_TYPES: Final = {400: "invalid_request_error", 429: "rate_limit_error", 500: "api_error"}


def failed(api: ModuleType, status: int) -> Json:
    """Return the error's body in the provider's own shape."""
    if api is bedrock:
        return {"message": MESSAGE}
    if api is gemini:
        return {"error": {"code": status, "message": MESSAGE, "status": _STATES.get(status)}}
    error: Json = {"type": _TYPES.get(status, "api_error"), "message": MESSAGE}
    if api is anthropic_messages:
        return {"type": "error", "error": error}
    return {"error": {**error, "param": None, "code": None}}


def model_server() -> AbstractContextManager[str]:
    """Run the provider while a block runs; gives its URL, below which ``/v1`` is OpenAI's."""
    return on_loopback(_Provider)
