"""What a picture is: an object with a name, a place on the page, and words for whoever cannot see what it draws."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedprop.report.run import RunView, TableView

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _no_run(run: RunView) -> "Figure | None":
    return None


def _no_table(table: TableView, runs: Sequence[RunView]) -> "Figure | None":
    return None


@dataclass(frozen=True)
class Picture:
    """A picture on the page of a run, of a table of a sweep, or of both.

    Attributes
    ----------
    name : the stem of its file's name.
    section : the heading that it stands under; one that a page lacks is made for it.
    alt : the text that stands in for it.
    of_run : draws it for a run; None where there is nothing to show.
    of_table : draws it for a table and the runs in it; None where there is nothing to show.
    """

    name: str
    section: str
    alt: str
    of_run: Callable[[RunView], "Figure | None"] = _no_run
    of_table: Callable[[TableView, Sequence[RunView]], "Figure | None"] = _no_table


@dataclass(frozen=True)
class Drawn:
    """A picture that has been drawn: the stem of its file's name, the text for it, its PNG, and its heading."""

    name: str
    alt: str
    png: bytes
    section: str = ""

    @property
    def base64(self) -> str:
        """The PNG for a `data:` address."""
        return b64encode(self.png).decode()
