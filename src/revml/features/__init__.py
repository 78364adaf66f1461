"""Features: what was known of an account at an instant, one file a subject, in portable SQL."""
