"""Files scored and explained where they lie."""
