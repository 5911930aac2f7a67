"""How the command line writes numbers."""

import re

from fedprop.errors import InvalidConfig


def numbers(name: str, text: str) -> range:
    """The range that `7` or `7..15`, both ends included, stands for.

    Raises
    ------
    InvalidConfig
        If the text is neither, or the range is empty.

    >>> numbers("n", "7..9")
    range(7, 10)
    """
    found = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text.strip())
    if found is None or int(found[2] or found[1]) < int(found[1]):
        raise InvalidConfig(f"`{name}` must be a number such as 2 or a range such as 7..15; found {text!r}")
    return range(int(found[1]), int(found[2] or found[1]) + 1)
