"""Mistakes in settings as sentences a person can act on: the path, the rule, the value found, and what may be meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fedprop.errors import InvalidConfig

T = TypeVar("T", bound=BaseModel)

MOST = 20
"""Maximum mistakes told one by one, about a screen of lines; of further ones only the number is told."""

LONGEST = 200
"""Most characters shown of a value found, about two lines: enough to recognise it by."""


def validate(model: type[T], data: Any, origin: str) -> T:
    """`data` as an instance of `model`.

    Raises
    ------
    InvalidConfig
        With one line for each mistake: the path, the rule, and the value found.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidConfig("\n".join(f"{origin}: {line}" for line in explain(error, data))) from None


def explain(error: ValidationError, data: Any = None, *, known: object = ()) -> list[str]:
    """One sentence for each mistake that pydantic found in `data`, and one for those beyond the first `MOST`.

    What it says about the object `known` is left out.
    """
    problems = [problem for problem in error.errors(include_url=False) if problem["input"] is not known]
    told = [_sentence(problem, _path(problem["loc"], data)) for problem in problems[:MOST]]
    rest = len(problems) - MOST
    return [*told, f"{rest} more mistakes of this sort"] if rest > 0 else told


def meant(found: object, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: what it may stand for; empty if nothing is close.

    >>> meant("Krumm", ["krum", "mean"])
    '; did you mean krum?'
    >>> meant("abacus", ["krum", "mean"])
    ''
    """
    names: dict[str, str] = {}
    for name in known:
        names.setdefault(_bare(name), name)
    close = get_close_matches(_bare(found), names, n=1, cutoff=0.7) if isinstance(found, str) else []
    return f"; did you mean {names[close[0]]}?" if close else ""


def shown(value: object) -> str:
    """A value as an error shows it: as Python writes it, but not at any length."""
    try:
        text = repr(value)
    except Exception:  # whatever it is, an error about it must not fail
        text = f"a {type(value).__name__} that cannot be written out"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _bare(name: object) -> str:
    """A name without what people vary in it."""
    return "".join(letter for letter in str(name)[:LONGEST].lower() if letter.isalnum())


def _path(places: tuple[str | int, ...], data: Any) -> str:
    """Where a setting stands in the file; pydantic also names the kind chosen, and numbers an only attack with 0."""
    places = places[:-2] if places[-1:] == (_KEY,) else places
    path = []
    for place in places:
        if isinstance(data, int | float):
            break  # the file holds a number, which stands for the mapping that pydantic speaks of
        if isinstance(data, dict) and place not in data and place in (0, data.get("kind")):
            continue
        path.append(str(place))
        inside = (isinstance(data, dict) and place in data) or (isinstance(data, list) and place in range(len(data)))
        data = data[place] if inside else None
    return ".".join(path)


_KEY = "[key]"
"""How pydantic says that it speaks of a mapping's key."""

_SHOULD = "Input should "
"""How pydantic begins to tell a rule."""

_SAID = {
    "extra_forbidden": "there is no such setting",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "invalid_key": "a setting's name must be text",
    "union_tag_not_found": "must be a mapping with a `kind`",
    "union_tag_invalid": "`kind` must be one of {expected_tags}; found {tag!r}",
}
"""Plainer words for some of pydantic's messages."""


def _sentence(problem: Any, path: str) -> str:
    if problem["type"] == "missing":
        return f"`{path}` is required"
    context = problem.get("ctx", {})
    message = problem["msg"].removeprefix("Value error, ")
    if problem["loc"][-1:] == (_KEY,):
        message = "every name must be text, in quotes where YAML reads something else"
    elif problem["type"] in _SAID:
        message = str(_SAID[problem["type"]].format(**context))
    told = "found" in message or isinstance(problem["input"], dict)
    found = "" if told else f"; found {shown(problem['input'])}"
    return f"{_placed(path, _plain(message))}{found}{_meant_by(problem, context)}"


def _plain(message: str) -> str:
    """A message of pydantic's in the words of this library: `must be`, and nothing of how a text is parsed."""
    rule, _, _ = message.partition(", unable to parse")
    return f"must {rule.removeprefix(_SHOULD)}" if rule.startswith(_SHOULD) else rule


def _placed(path: str, message: str) -> str:
    """The message behind the setting of which it speaks, if it speaks of one."""
    if not path:
        return message
    return f"`{path}` {message}" if message.startswith("must ") else f"`{path}`: {message}"


def _meant_by(problem: Any, context: Any) -> str:
    """What a mistyped name may stand for, where pydantic says which names there are."""
    if problem["type"] == "union_tag_invalid":
        return meant(context["tag"], context["expected_tags"].replace("'", "").split(", "))
    if problem["type"] in ("literal_error", "enum"):
        return meant(problem["input"], context["expected"].replace(" or ", ", ").replace("'", "").split(", "))
    return str(context.get("meant", ""))
