"""From a YAML file and changes on the command line to plain data, with errors a person can act on."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from fedprop.errors import InvalidConfig
from fedprop.settings import assign, shown

MOST_ENTRIES = 1_000_000
"""Keys and values in a file, those of aliases counted wherever they are used: a page of aliases can mean billions."""

MOST_BYTES = 10_000_000
"""Maximum size of a configuration file; reading one of that size takes a minute."""


class _Loader(yaml.SafeLoader):
    """Safe YAML that reads numbers as people write them, and refuses a key given twice."""

    def construct_document(self, node: yaml.Node) -> Any:
        """The data of a document of bounded size."""
        _count(node, {})
        return super().construct_document(node)


_NUMBERS = {
    r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+)$": "int",
    r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|\.(inf|Inf|INF))$": "float",
    r"[-+]?([0-9][0-9_]*\.?|[0-9][0-9_]*\.[0-9_]+|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$": "float",
    r"\.(nan|NaN|NAN)$": "float",
}
"""What is a number. YAML 1.1 also takes 1:30 for 90 and 010 for 8, and 1e-5 for text."""

_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in _NUMBERS.values()]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _pattern, _name in _NUMBERS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), list("-+.0123456789"))


def _count(node: yaml.Node, known: dict[yaml.Node, int]) -> int:
    """The entries of a node, each alias counted as what it stands for; `known` holds those of nodes seen before."""
    if node not in known:
        known[node] = MOST_ENTRIES  # should the node turn out to hold itself
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        pairs = [part for pair in parts for part in pair] if isinstance(node, yaml.MappingNode) else parts
        known[node] = 1 + sum(_count(part, known) for part in pairs)
        if known[node] > MOST_ENTRIES:
            where = f"line {node.start_mark.line + 1}"
            raise InvalidConfig(f"{where}: a file must stand for at most {MOST_ENTRIES:,} entries, aliases included")
    return known[node]


_MERGE = "tag:yaml.org,2002:merge"
"""Of the key `<<`."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    said = [key for key, _ in node.value if key.tag != _MERGE]
    counts = Counter(loader.construct_object(key, deep=True) for key in said)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        where = f"line {node.start_mark.line + 1}"
        raise InvalidConfig(f"{where}: every key may stand once; found {shown(twice)} twice")
    loader.flatten_mapping(node)  # `<<: *other` takes over what the other says, unless it is said here
    return {
        loader.construct_object(key, deep=True): loader.construct_object(value, deep=True) for key, value in node.value
    }


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


_UNREADABLE = (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What PyYAML raises on impossible text: beside its own errors those of Python, for 2020-13-45 or a list as a key."""


def parse_yaml(text: str, origin: str) -> Any:
    """The data in a YAML text.

    Raises
    ------
    InvalidConfig
        If it is not YAML, with the place where reading failed, or stands for too much.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except InvalidConfig as error:
        raise InvalidConfig(f"{origin}, {error}") from None
    except RecursionError:
        raise InvalidConfig(f"{origin} is not valid YAML: it is nested too deeply") from None
    except _UNREADABLE as error:
        raise InvalidConfig(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from None


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises
    ------
    InvalidConfig
        If the file is missing, is not text or YAML, or holds no mapping.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidConfig(f"{path} must have at most {MOST_BYTES:,} bytes; found {path.stat().st_size:,}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"cannot read {path}: {error}") from None
    data = parse_yaml(text, str(path))
    if not isinstance(data, dict):
        raise InvalidConfig(f"{path} must hold a mapping of settings; found {type(data).__name__}")
    return data


def override(data: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """`data` with `a.b=YAML` assignments made; `data` itself is left alone.

    Raises
    ------
    InvalidConfig
        If an assignment has no `=`, its value is not YAML, or its path leads through something that is no mapping.
    """
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path.strip():
            raise InvalidConfig(f"--set needs the form a.b=VALUE; found {shown(assignment)}")
        data = assign(data, path.strip().split("."), parse_yaml(text, f"--set {path}"))
    return data


def yaml_of(settings: Mapping[str, Any]) -> str:
    """A file of these settings, in their order: what `read_mapping` reads is equal to them.

    >>> print(yaml_of({"rounds": 3, "defense": {"kind": "krum", "f": 1}}), end="")
    rounds: 3
    defense:
      kind: krum
      f: 1
    """
    return yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=120)
