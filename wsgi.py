"""For a WSGI server of your own: ``gunicorn wsgi:app``, with DATABASE_URL set."""

from tracer.app import create_app
from tracer.assets import asset_dir
from tracer.extensions import migrate
from tracer.web.monitoring.logs import log_as_json

log_as_json()
app = create_app()
migrate(app, asset_dir("migrations"))
