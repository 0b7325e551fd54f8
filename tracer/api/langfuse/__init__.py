"""Blueprint of the reads of Langfuse's API, in each of its versions: one module per noun."""

from __future__ import annotations

from flask import Blueprint

from tracer.api.langfuse import (
    comments,
    configs,
    document,
    metrics,
    models,
    observations,
    observations_v2,
    scores,
    scores_v3,
    server,
    sessions,
    traces,
)

bp = Blueprint("langfuse_reads", __name__)
bp.register_blueprint(server.open_bp)
for module in (
    comments,
    configs,
    document,
    metrics,
    models,
    observations,
    observations_v2,
    scores,
    scores_v3,
    server,
    sessions,
    traces,
):
    bp.register_blueprint(module.bp)
