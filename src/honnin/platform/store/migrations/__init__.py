"""Alembic's folder: `env.py` runs inside the connection that `migrate` opened and locked."""
