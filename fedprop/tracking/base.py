"""What a tracker is: a kind that opens a track for each run, on which numbers, pictures and an end are noted."""

import json
import platform
from abc import ABC, abstractmethod
from collections.abc import Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from fedprop.errors import InvalidConfig
from fedprop.types import Kind, Round


class Track(ABC):
    """The notes of one run."""

    @abstractmethod
    def numbers(self, round: Round, values: Mapping[str, float]) -> None:
        """Note the numbers of a round by name; a name may hold a `/` before a part, as in `f1/3` for class 3."""

    @abstractmethod
    def picture(self, name: str, png: bytes) -> None:
        """Keep a picture."""

    @abstractmethod
    def end(self, failure: str = "") -> None:
        """Nothing more will come. A run that failed is marked as such, with the reason."""


class Tracker(Kind, ABC):
    """Base of all trackers.

    One of your own opens a track; here it writes lines of text.

        class Lines(Tracker):
            kind: Literal["lines"] = "lines"

            def open(self, name, config, folder):
                return Page(folder / "lines.txt")

    Attributes
    ----------
    module : what must be installed for it, and so the name of fedprop's extra; empty if nothing.
    """

    module: ClassVar[str] = ""

    def check(self) -> None:
        """Raise `InvalidConfig` if what the tracker needs is not installed."""
        if self.module and find_spec(self.module) is None:
            how = f"pip install 'fedprop[{self.module}]'"
            raise InvalidConfig(f"tracker {self.kind} needs {self.module}, which is not installed: {how}")

    @abstractmethod
    def open(self, name: str, config: Mapping[str, Any], folder: Path) -> Track:
        """Begin a run's track.

        Parameters
        ----------
        name : the run's name.
        config : the experiment as nested plain data, as its file would have it.
        folder : of the run or of its sweep, where a tracker without another place keeps its files.
        """


GROWING = ("rounds", "max_seconds", "until")
"""The settings that say how long a run goes on, and, if they grow, change nothing of what was."""


def identity_of(name: str, config: Mapping[str, Any], folder: Path) -> str:
    """What a run has in common with itself when it is told again, and with no other run: 64 hexadecimal digits.

    That is its name, its settings, and its folder on this machine.
    """
    settled = {key: value for key, value in config.items() if key not in GROWING}
    place = [platform.node(), str(folder.resolve()), name, settled]
    return sha256(json.dumps(place, sort_keys=True).encode()).hexdigest()


def flat(config: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings by their paths, as `--set` names them.

    >>> flat({"rounds": 3, "training": {"lr": 0.1}, "defense": [{"kind": "krum", "f": 1}]})
    {'rounds': 3, 'training.lr': 0.1, 'defense.0.kind': 'krum', 'defense.0.f': 1}
    """
    found: dict[str, Any] = {}
    for key, value in config.items():
        inside = dict(enumerate(value)) if isinstance(value, list | tuple) else value
        if isinstance(inside, Mapping) and inside:
            found |= flat({str(name): part for name, part in inside.items()}, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found
