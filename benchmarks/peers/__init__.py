"""What revml is measured against: each a plain version of the same thing, as one would write it without revml."""
