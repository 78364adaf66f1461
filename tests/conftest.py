"""What holds for all tests."""

import os

from hypothesis import settings

# How long an example takes says how busy the machine is; speed is proved in `benchmarks/`.
settings.register_profile("revml", deadline=None)
settings.load_profile("revml")

# A console keeps the COLUMNS it was made under: made inside the first test that narrows the page, it would stay narrow
# for all that come after. Made here without any, it reads the width when it prints.
os.environ.pop("COLUMNS", None)
import revml.cli.options  # noqa: E402, F401
