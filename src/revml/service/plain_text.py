"""Which texts a caller may send: any letters of any script, no control characters, no half surrogates.

PATTERN    the same as a regular expression of JSON Schema, for the API document
"""

from __future__ import annotations

import re

PATTERN = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def is_plain(text: str) -> bool:
    r"""Whether a text holds none of what no name, id or search needs.

    >>> is_plain("Škoda & syn, s.r.o."), is_plain("a\x00b"), is_plain("a\nb"), is_plain("\ud800")
    (True, False, False, False)
    """
    return _CONTROL.search(text) is None
