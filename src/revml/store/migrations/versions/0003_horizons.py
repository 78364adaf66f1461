"""Probabilities at other horizons beside the question's own, and which of them lie beyond the history."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("probability_30d", "probability_90d", "probability_180d", "probability_365d")


def upgrade() -> None:
    """Add the columns; runs that were published before have one horizon."""
    for name in COLUMNS:
        op.add_column("scores", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("models", sa.Column("extrapolated_days", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Forget the other horizons."""
    op.drop_column("models", "extrapolated_days")
    for name in reversed(COLUMNS):
        op.drop_column("scores", name)
