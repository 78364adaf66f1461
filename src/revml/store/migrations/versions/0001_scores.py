"""Runs, models, accounts, scores, reasons, CLV and flows."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = ("flows", "clv", "reasons", "scores", "accounts", "models", "current", "runs")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.DateTime(), nullable=False),
        sa.Column("published_at", sa.DateTime(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("scores", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "accounts",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("industry", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("parent_account_id", sa.String(length=256), nullable=True),
        sa.Column("customer_since", sa.DateTime(), nullable=True),
        sa.Column("mrr", sa.Float(), nullable=False),
        sa.Column("order_revenue_12m", sa.Float(), nullable=False),
        sa.Column("clv", sa.Float(), nullable=True),
        sa.Column("clv_key", sa.Float(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_accounts_runs"),
        sa.PrimaryKeyConstraint("run_id", "account_id"),
    )
    op.create_index("ix_accounts_run_id_clv_key_account_id", "accounts", ["run_id", "clv_key", "account_id"])
    op.create_index("ix_accounts_run_id_name_key_account_id", "accounts", ["run_id", "name_key", "account_id"])
    op.create_table(
        "current",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_current_runs"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "models",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("rung", sa.String(length=64), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("base_rate", sa.Float(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_models_runs"),
        sa.PrimaryKeyConstraint("run_id", "question"),
    )
    op.create_table(
        "clv",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("relation", sa.String(length=64), nullable=False),
        sa.Column("horizon_months", sa.Integer(), nullable=False),
        sa.Column("clv", sa.Float(), nullable=False),
        sa.Column("expected_revenue", sa.Float(), nullable=True),
        sa.Column("p_alive", sa.Float(), nullable=True),
        sa.Column("extrapolated_share", sa.Float(), nullable=True),
        sa.Column("warning", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"], name="fk_clv_accounts"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_clv_runs"),
        sa.PrimaryKeyConstraint("run_id", "account_id", "relation"),
    )
    op.create_table(
        "flows",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("relation", sa.String(length=64), nullable=False),
        sa.Column("survival", sa.JSON(), nullable=False),
        sa.Column("expected_revenue", sa.JSON(), nullable=False),
        sa.Column("discounted_margin", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"], name="fk_flows_accounts"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_flows_runs"),
        sa.PrimaryKeyConstraint("run_id", "account_id", "relation"),
    )
    op.create_table(
        "reasons",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("concept", sa.Text(), nullable=False),
        sa.Column("side", sa.String(length=64), nullable=False),
        sa.Column("contribution", sa.Float(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("past", sa.Text(), nullable=True),
        sa.Column("peers", sa.Text(), nullable=True),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_cs", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"], name="fk_reasons_accounts"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_reasons_runs"),
        sa.PrimaryKeyConstraint("run_id", "account_id", "question", "rank"),
    )
    op.create_table(
        "scores",
        sa.Column("run_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=256), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("previous_probability", sa.Float(), nullable=True),
        sa.Column("change", sa.Float(), nullable=False),
        sa.Column("percentile", sa.Float(), nullable=False),
        sa.Column("band", sa.String(length=64), nullable=False),
        sa.Column("money", sa.Float(), nullable=False),
        sa.Column("expected_money", sa.Float(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "account_id"], ["accounts.run_id", "accounts.account_id"], name="fk_scores_accounts"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_scores_runs"),
        sa.PrimaryKeyConstraint("run_id", "question", "account_id"),
    )
    op.create_index("ix_scores_account_id_run_id_question", "scores", ["account_id", "run_id", "question"])
    op.create_index(
        "ix_scores_run_id_question_change_account_id", "scores", ["run_id", "question", "change", "account_id"]
    )
    op.create_index(
        "ix_scores_run_id_question_expected_money_account_id",
        "scores",
        ["run_id", "question", "expected_money", "account_id"],
    )
    op.create_index(
        "ix_scores_run_id_question_probability_account_id",
        "scores",
        ["run_id", "question", "probability", "account_id"],
    )


def downgrade() -> None:
    """Remove the tables and all that they hold."""
    for name in TABLES:
        op.drop_table(name)
