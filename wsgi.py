"""For a WSGI server of your own: ``gunicorn wsgi:app``, with DATABASE_URL set."""

from tracer.app import create_app
from tracer.assets import asset_dir
from tracer.extensions import migrate

app = create_app()
migrate(app, asset_dir("migrations"))
