"""The blueprint of the Langfuse-compatible API without its writes: one module per noun."""

from __future__ import annotations

from flask import Blueprint

from tracer.api.langfuse import comments, metrics, metrics_daily, models, openapi, server
from tracer.api.langfuse.library import (
    dataset_runs,
    datasets,
    datasets_v1,
    evaluators,
    experiments,
    media,
    prompts,
)
from tracer.api.langfuse.scores import configs, queues, scores, scores_v3
from tracer.api.langfuse.traces import observations, observations_v2, sessions, traces

bp = Blueprint("langfuse_reads", __name__)
bp.register_blueprint(server.open_bp)
for module in (
    comments,
    configs,
    datasets,
    datasets_v1,
    openapi,
    evaluators,
    experiments,
    media,
    metrics,
    metrics_daily,
    models,
    observations,
    observations_v2,
    prompts,
    queues,
    dataset_runs,
    scores,
    scores_v3,
    server,
    sessions,
    traces,
):
    bp.register_blueprint(module.bp)
bp.register_blueprint(media.content)
