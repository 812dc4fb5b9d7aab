"""Alembic environment: run the steps in the transaction that was handed in."""

from alembic import context

from honnin.platform.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
