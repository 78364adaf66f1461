"""Money of a score may be unknown: nobody's payments tell what a family would bring a year."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Allow none; runs that were published before keep what they say."""
    with op.batch_alter_table("scores") as scores:
        scores.alter_column("money", existing_type=sa.Float(), nullable=True)


def downgrade() -> None:
    """Unknown money counts as none."""
    op.execute("UPDATE scores SET money = 0 WHERE money IS NULL")
    with op.batch_alter_table("scores") as scores:
        scores.alter_column("money", existing_type=sa.Float(), nullable=False)
