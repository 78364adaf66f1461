"""When an account's next order is expected, how likely it is, and which families it will be of."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FIGURES = ("p_order_3m", "p_order_12m", "orders_12m", "revenue_12m")


def upgrade() -> None:
    """Add the table; runs that were published before tell nothing of it."""
    op.create_table(
        "coming_orders",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("next_order", sa.DateTime(), nullable=True),
        *(sa.Column(name, sa.Float(), nullable=True) for name in FIGURES),
        sa.Column("families", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"], name="fk_coming_orders_accounts"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_coming_orders_runs"),
        sa.PrimaryKeyConstraint("run_id", "account_id"),
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_table("coming_orders")
