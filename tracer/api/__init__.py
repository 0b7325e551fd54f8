"""The blueprint of the JSON reads: traces, spans, sessions, scores, prices, OpenAPI documents."""

from __future__ import annotations

from flask import Blueprint

from tracer.api import langfuse, openapi
from tracer.api.v1 import annotations as marks
from tracer.api.v1 import (
    audit,
    dashboards,
    exports,
    jobs,
    metrics,
    prices,
    selections,
    sessions,
    traces,
)

bp = Blueprint("api", __name__)
bp.register_blueprint(traces.bp)
bp.register_blueprint(sessions.bp)
bp.register_blueprint(selections.bp)
bp.register_blueprint(prices.bp)
bp.register_blueprint(metrics.bp)
bp.register_blueprint(dashboards.bp)
bp.register_blueprint(exports.bp)
bp.register_blueprint(marks.bp)
bp.register_blueprint(audit.bp)
bp.register_blueprint(jobs.bp)
bp.register_blueprint(openapi.bp)
bp.register_blueprint(langfuse.bp)
