"""Blueprint of every write endpoint: OTLP and our own JSON API."""

from __future__ import annotations

from flask import Blueprint

from tracer.ingestion import deletes, marks, native, otlp, prices

bp = Blueprint("ingestion", __name__)
bp.register_blueprint(otlp.bp)
bp.register_blueprint(native.bp)
bp.register_blueprint(prices.bp)
bp.register_blueprint(marks.bp)
bp.register_blueprint(deletes.bp)
