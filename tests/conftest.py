"""What holds for all tests."""

from hypothesis import settings

# How long an example takes says how busy the machine is; speed is proved in `benchmarks/`.
settings.register_profile("revml", deadline=None)
settings.load_profile("revml")
