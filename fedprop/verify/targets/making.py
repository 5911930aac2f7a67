"""Making a target from what a user points at and the fields given with --set."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from fedprop.errors import FedpropError, InvalidConfig
from fedprop.failures import in_words
from fedprop.settings import explain
from fedprop.verify.hunting.claim import contained


def made_with(make: Callable[..., Any], label: str, fields: Mapping[str, Any]) -> Any:
    """What `make` makes of `fields`.

    Raises
    ------
    InvalidConfig
        If it does not take them.
    """
    try:
        with contained():
            return make(**fields)
    except ValidationError as error:
        why = "; ".join(explain(error, dict(fields)))
    except (FedpropError, TypeError, ValueError) as error:
        why = " ".join(str(error).split())
    except Exception as error:
        why = in_words(error)
    raise InvalidConfig(f"{label} cannot be made with {dict(fields)}; use --set name=value: {why}")


def refuse_settings(settings: Mapping[str, Any], label: str) -> None:
    """Say that a target which is made already takes no settings. Raises InvalidConfig if there are any."""
    if settings:
        raise InvalidConfig(f"--set is for a class or a factory; found {dict(settings)} for {label}, which is made")
