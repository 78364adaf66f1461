"""What would happen if: retention, prices, margins and saved accounts, in money, by the forecast's own flows."""
