"""The pictures of a page as PNG files with words for readers who cannot see them."""

from collections.abc import Sequence

from fedprop.report.figures import PICTURES, png
from fedprop.report.picture import Drawn
from fedprop.report.run import RunView, TableView

MOST_RUNS = 200
"""Maximum runs of a table whose courses are drawn; the lines of more cannot be told apart."""


def run_pictures(run: RunView) -> list[Drawn]:
    """The pictures of one run that have something to show."""
    drawn = [(picture, picture.of_run(run)) for picture in PICTURES]
    return [Drawn(p.name, p.alt, png(figure), p.section) for p, figure in drawn if figure is not None]


def table_pictures(number: int, table: TableView, runs: Sequence[RunView]) -> list[Drawn]:
    """The pictures of the `number`-th table of a sweep: its numbers, and what its runs have to show.

    A table of more than `MOST_RUNS` runs is a picture of numbers alone.
    """
    found = [run for run in runs if run.table == table.title]
    own = found if len(found) <= MOST_RUNS else []
    drawn = [(picture, picture.of_table(table, own)) for picture in PICTURES]
    return [
        Drawn(f"{p.name}_{number}", f"{p.alt} {table.title}.", png(figure), p.section)
        for p, figure in drawn
        if figure is not None
    ]


def by_section(pictures: Sequence[Drawn]) -> dict[str, list[Drawn]]:
    """Pictures by the heading that they stand under, in order."""
    found: dict[str, list[Drawn]] = {}
    for picture in pictures:
        found.setdefault(picture.section, []).append(picture)
    return found
