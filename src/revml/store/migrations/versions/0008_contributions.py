"""What each concept adds to the log-odds of every score, so that two runs can be told apart concept by concept."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; runs that were published before tell nothing of it."""
    op.create_table(
        "concepts",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("base", sa.Float(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_concepts_runs"),
        sa.PrimaryKeyConstraint("run_id", "question"),
    )
    op.create_table(
        "contributions",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"], name="fk_contributions_accounts"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_contributions_runs"),
        sa.PrimaryKeyConstraint("run_id", "account_id", "question", "item"),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("contributions")
    op.drop_table("concepts")
