"""Lifetime values at several horizons, with quantiles and components; values of accounts, their drivers, reports.

The horizon becomes part of the key of `clv`. SQLite cannot change a key, so there the table is made anew and filled.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PARTS = ("clv_p10", "clv_p50", "clv_p90", "base", "expansion", "contraction", "referral")
BANDS = ("revenue_p10", "revenue_p50", "revenue_p90")
KEY = ("run_id", "account_id", "relation")


def upgrade() -> None:
    """Add them; runs that were published before have one horizon and none of the rest."""
    op.add_column("runs", sa.Column("discount_rate", sa.Float(), nullable=True))
    for name in PARTS:
        op.add_column("clv", sa.Column(name, sa.Float(), nullable=True))
    _rekey((*KEY, "horizon_months"))
    for name in BANDS:
        op.add_column("flows", sa.Column(name, sa.JSON(), nullable=True))
    op.create_table(
        "account_values",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("horizon_months", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("clv", sa.Float(), nullable=False),
        sa.Column("clv_p10", sa.Float(), nullable=True),
        sa.Column("clv_p50", sa.Float(), nullable=True),
        sa.Column("clv_p90", sa.Float(), nullable=True),
        sa.Column("with_children", sa.Float(), nullable=True),
        sa.Column("acquisition_cost", sa.Float(), nullable=True),
        sa.Column("ltv_cac", sa.Float(), nullable=True),
        sa.Column("payback_months", sa.Float(), nullable=True),
        sa.Column("referral_value", sa.Float(), nullable=True),
        *_of_a_run("account_values"),
        sa.PrimaryKeyConstraint("run_id", "account_id", "horizon_months"),
    )
    op.create_table(
        "drivers",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("money", sa.JSON(), nullable=False),
        *_of_a_run("drivers"),
        sa.PrimaryKeyConstraint("run_id", "account_id"),
    )
    op.create_table(
        "reports",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_reports_runs"),
        sa.PrimaryKeyConstraint("run_id", "name"),
    )


def downgrade() -> None:
    """Keep the longest horizon of each relation and forget the rest."""
    for table in ("reports", "drivers", "account_values"):
        op.drop_table(table)
    for name in reversed(BANDS):
        op.drop_column("flows", name)
    op.execute(
        "DELETE FROM clv WHERE horizon_months < (SELECT max(longest.horizon_months) FROM clv AS longest WHERE"
        " longest.run_id = clv.run_id AND longest.account_id = clv.account_id AND longest.relation = clv.relation)"
    )
    _rekey(KEY)
    for name in reversed(PARTS):
        op.drop_column("clv", name)
    op.drop_column("runs", "discount_rate")


def _of_a_run(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            ["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"], name=f"fk_{table}_accounts"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=f"fk_{table}_runs"),
    ]


def _rekey(key: tuple[str, ...]) -> None:
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        op.drop_constraint(str(sa.inspect(bind).get_pk_constraint("clv")["name"]), "clv", type_="primary")
        op.create_primary_key("clv_pkey", "clv", list(key))
        return
    found = sa.Table("clv", sa.MetaData(), autoload_with=bind)
    columns = [sa.Column(column.name, column.type, nullable=column.nullable) for column in found.columns]
    op.rename_table("clv", "clv_before")
    op.create_table("clv", *columns, *_of_a_run("clv"), sa.PrimaryKeyConstraint(*key))
    told = ", ".join(column.name for column in columns)
    op.execute(f"INSERT INTO clv ({told}) SELECT {told} FROM clv_before")
    op.drop_table("clv_before")
