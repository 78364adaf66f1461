"""Scores and reasons may be about an account and an item (the product family of a cross-sell), empty for all others.

The item becomes part of their keys. SQLite cannot change a key, so there the tables are made anew and filled.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEYS = {
    "scores": ("run_id", "question", "account_id"),
    "reasons": ("run_id", "account_id", "question", "rank"),
}


def upgrade() -> None:
    """Add the item; what was published before is about accounts alone."""
    for table, key in KEYS.items():
        at = key.index("account_id" if table == "scores" else "question") + 1
        _rekey(table, (*key[:at], "item", *key[at:]), add=True)


def downgrade() -> None:
    """Forget what was about an account and an item."""
    for table, key in KEYS.items():
        op.execute(f"DELETE FROM {table} WHERE item <> ''")
        _rekey(table, key, add=False)


def _rekey(table: str, key: tuple[str, ...], *, add: bool) -> None:
    bind = op.get_bind()
    found = sa.Table(table, sa.MetaData(), autoload_with=bind)
    indexes = [(str(index.name), [column.name for column in index.columns]) for index in found.indexes]
    item = sa.Column("item", sa.Text(), nullable=False)
    if bind.dialect.name != "sqlite":
        if add:
            op.add_column(table, sa.Column("item", sa.Text(), nullable=False, server_default=""))
            op.alter_column(table, "item", server_default=None)
        op.drop_constraint(str(sa.inspect(bind).get_pk_constraint(table)["name"]), table, type_="primary")
        op.create_primary_key(f"{table}_pkey", table, list(key))
        if not add:
            op.drop_column(table, "item")
        return
    for name, _ in indexes:
        op.drop_index(name, table_name=table)
    old = [column.name for column in found.columns if column.name != "item"]
    columns = [sa.Column(c.name, c.type, nullable=c.nullable) for c in found.columns if c.name != "item"]
    op.rename_table(table, f"{table}_before")
    op.create_table(
        table,
        *columns,
        *([item] if add else []),
        sa.ForeignKeyConstraint(
            ["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"], name=f"fk_{table}_accounts"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=f"fk_{table}_runs"),
        sa.PrimaryKeyConstraint(*key),
    )
    told = ", ".join(f'"{name}"' for name in old)
    added = (", item", ", ''") if add else ("", "")
    op.execute(f"INSERT INTO {table} ({told}{added[0]}) SELECT {told}{added[1]} FROM {table}_before")
    op.drop_table(f"{table}_before")
    for name, names in indexes:
        op.create_index(name, table, names)
