"""Key figures: each with one definition, by segment, cohort and month."""
