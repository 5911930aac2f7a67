"""How the command line writes numbers and built-in rules."""

import re
from collections.abc import Mapping
from typing import Any

from fedprop.errors import InvalidConfig
from fedprop.experiments.config_file import parse_yaml


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


def built_in(name: str, text: str) -> Any:
    """The kind, the mapping with a kind, or the list of them that the YAML of an option stands for.

    Raises
    ------
    InvalidConfig
        If it stands for anything else.

    >>> built_in("--as", "{kind: krum, m: 3}")
    {'kind': 'krum', 'm': 3}
    """
    found = parse_yaml(text, name)
    check_spec(name, found)
    return found


def check_spec(name: str, found: Any) -> None:
    """Refuse what cannot spell a built-in rule. Raises `InvalidConfig`."""
    listed = found if isinstance(found, list | tuple) else [found]
    if not listed or not all(isinstance(part, str | Mapping) for part in listed):
        raise InvalidConfig(
            f"{name} must spell a built-in rule, stage or postprocessor, as krum or {{kind: krum, m: 3}}, or a list of "
            f"those; found {found!r}"
        )
