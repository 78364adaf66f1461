"""revml: which customers will leave, which are ready to buy more, why, and what each is worth.

The public names are few and under test; importing them does nothing but define them.
"""

from revml.config import Workspace, load_workspace
from revml.errors import RevmlError
from revml.windows import LabelWindow, instant

__all__ = ["LabelWindow", "RevmlError", "Workspace", "__version__", "instant", "load_workspace"]

__version__ = "0.1.0"
