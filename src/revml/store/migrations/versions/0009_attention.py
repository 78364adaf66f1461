"""Scores say whether a play was done lately, or one was held back."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of runs that were published before nothing is known."""
    op.add_column("scores", sa.Column("attention", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("scores") as scores:
        scores.drop_column("attention")
