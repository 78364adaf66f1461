"""One account: its relations summed, its parents, its referrals, and what drives its value."""
