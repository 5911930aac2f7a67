"""A sweep's table for the terminal."""

from rich.table import Table
from rich.text import Text

from fedprop.report.run import DEVIATION, Cell, TableView


def render_table(table: TableView) -> Table:
    """Rows against columns; each cell reads "ours (paper)", with "!" where the two are further apart than 0.15.

    Ours is the mean over trials, with the standard deviation when there are several; a dash stands for no result. Below
    stand the reasons of those that failed, or lack a number.
    """
    shown = Table(title=Text(table.title), caption=Text(caption(table)))
    shown.add_column(Text(table.value))
    for column in table.columns:
        shown.add_column(Text(column), justify="right", overflow="fold")
    for row in table.rows:
        shown.add_row(Text(row), *(_cell(table.cell(row, column)) for column in table.columns))
    return shown


def _cell(cell: Cell) -> Text:
    paper = "" if cell.paper is None else f" ({cell.paper:.2f})"
    style = "bold red" if cell.deviates or cell.partial else ""
    return Text(f"{cell}{paper}{' !' if cell.deviates else ''}", style=style)


def caption(table: TableView) -> str:
    """How to read the table, in a sentence or two, and a line for each reason of a failure."""
    parts = []
    if table.paper:
        source = f": {table.source}" if table.source else ""
        parts.append(f"Ours (the paper's{source}). ! marks a difference above {DEVIATION:.2f}.")
    parts += [f"{meaning}." for meaning in table.legend]
    return "\n".join([" ".join([*parts, *([table.notes] if table.notes else [])]), *table.reasons]).strip()
