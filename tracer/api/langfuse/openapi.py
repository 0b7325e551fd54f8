"""The OpenAPI document of the Langfuse-compatible API, generated from its types."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from tracer.api.openapi import Api, Document, document
from tracer.web.langfuse.routes import PREFIX, LangfuseError, reply, set_up
from tracer.web.operations import Operation, describe

API: Final = Api(f"{PREFIX}/", "Tracer, Langfuse-compatible", LangfuseError, "application/json")

bp = Blueprint("langfuse_document", __name__, url_prefix=PREFIX)
set_up(bp)


@bp.get("/openapi.json")
@describe(Operation(summary="Read this document", answers={200: Document}, problems=(401,)))
def read_langfuse_document() -> Response:
    """Return the document of the Langfuse-compatible routes that this server serves."""
    return reply(document(API))
