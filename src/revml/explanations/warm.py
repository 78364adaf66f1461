"""`python -m revml.explanations.warm`: compile what explains, so that nobody waits for it in the first request.

At installation, in an image's build (on the processor that will run it) or before a service takes requests.
"""

from __future__ import annotations

from revml.explanations.treeshap import warm

if __name__ == "__main__":
    warm()
