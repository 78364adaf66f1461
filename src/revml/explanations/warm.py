"""`python -m revml.explanations.warm`: compile what scores and explains, so that nobody waits for it.

At installation, in an image's build (on the processor that will run it) or before a service takes requests. What is
compiled once is kept beside the package, or in the user's cache where the package may not be written.
"""

from __future__ import annotations

from revml.explanations import choosing, looking, treeshap
from revml.models import curve_loop


def warm() -> None:
    """Compile every loop, or load what was compiled before: a second or so."""
    treeshap.warm()
    choosing.warm()
    looking.warm()
    curve_loop.warm()


if __name__ == "__main__":
    warm()
