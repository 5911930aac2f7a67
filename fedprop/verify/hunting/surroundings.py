"""Global settings, watched and put back: what a target changes, it changes for everybody who comes after."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch

from fedprop.properties import Finding
from fedprop.verify.hunting.claim import Claim

T = TypeVar("T")

Watched = tuple[Callable[[], Any], Callable[[Any], Any]]

SETTINGS: Mapping[str, Watched] = {
    "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
    "torch's recording of gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's insistence on deterministic algorithms": (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    "NumPy's handling of errors": (np.geterr, lambda handling: np.seterr(**handling)),
    "the working directory": (os.getcwd, os.chdir),
}
"""How each setting is read and set."""


@contextmanager
def kept() -> Iterator[Callable[[], str]]:
    """Put every setting back afterwards; what it gives tells which have been changed, and how."""
    before = {name: read() for name, (read, _) in SETTINGS.items()}

    def changes() -> dict[str, Any]:
        return {name: now for name, (read, _) in SETTINGS.items() if (now := read()) != before[name]}

    try:
        yield lambda: ", ".join(f"{name} is {now} instead of {before[name]}" for name, now in changes().items())
    finally:
        for name in changes():
            SETTINGS[name][1](before[name])


def leaves_settings(answers: Claim[T]) -> Claim[T]:
    """The claim that a target leaves settings as they are, tried where it is asked by the claim that it answers."""

    def find(value: T) -> Finding | None:
        error: Exception | None = None
        with kept() as changed:
            try:
                answers.find(value)
            except Exception as raised:
                error = raised
            told = changed()
        if told:
            return Finding(told, how="afterwards")
        if error is not None:
            raise error
        return None

    return replace(
        answers,
        name="surroundings",
        statement="Global settings, such as torch's default dtype and number of threads, are left as they were.",
        source="fedprop.verify",
        find=find,
        owed=False,
    )
