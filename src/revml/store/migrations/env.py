"""Alembic's entry: migrates over the connection that `revml.store.database` hands in, inside its transaction."""

from alembic import context

from revml.store.schema import metadata

if hasattr(context, "config"):  # there only when Alembic runs this file; importing it does nothing
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()
