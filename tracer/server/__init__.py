"""The process family: gunicorn, load balancing, embedded PostgreSQL, lock, migrations."""
