"""Blueprint of every write endpoint: OTLP, our own JSON API, and Langfuse's."""

from __future__ import annotations

from flask import Blueprint

from tracer.ingestion import (
    deletes,
    langfuse,
    langfuse_marks,
    langfuse_models,
    langfuse_scores,
    marks,
    native,
    otlp,
    prices,
)

bp = Blueprint("ingestion", __name__)
bp.register_blueprint(otlp.bp)
bp.register_blueprint(native.bp)
bp.register_blueprint(prices.bp)
bp.register_blueprint(marks.bp)
bp.register_blueprint(deletes.bp)
bp.register_blueprint(langfuse.bp)
bp.register_blueprint(langfuse.otel)
bp.register_blueprint(langfuse_scores.bp)
bp.register_blueprint(langfuse_marks.bp)
bp.register_blueprint(langfuse_models.bp)
