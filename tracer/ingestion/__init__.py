"""The blueprint of all write endpoints: OTLP, the JSON API, and the Langfuse-compatible API."""

from __future__ import annotations

from flask import Blueprint

from tracer.ingestion import otlp
from tracer.ingestion.langfuse import comments, ingestion, models, scores
from tracer.ingestion.v1 import annotations as marks
from tracer.ingestion.v1 import dashboards, deletes, jobs, prices, traces

bp = Blueprint("ingestion", __name__)
bp.register_blueprint(otlp.bp)
bp.register_blueprint(traces.bp)
bp.register_blueprint(prices.bp)
bp.register_blueprint(dashboards.bp)
bp.register_blueprint(marks.bp)
bp.register_blueprint(jobs.bp)
bp.register_blueprint(deletes.bp)
bp.register_blueprint(ingestion.bp)
bp.register_blueprint(ingestion.otel)
bp.register_blueprint(scores.bp)
bp.register_blueprint(comments.bp)
bp.register_blueprint(models.bp)
