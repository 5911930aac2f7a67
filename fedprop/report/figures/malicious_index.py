"""How much a protocol holds against each client."""

from matplotlib.figure import Figure

from fedprop.report.figures.style import COMPROMISED, GRID, HONEST, WIDE, new_figure, style, whole_numbers
from fedprop.report.picture import Picture
from fedprop.report.run import RunView


def malicious_index_figure(run: RunView) -> Figure | None:
    """A line for each client against rounds; a cross marks each round that ends with the client banned.

    Of SIREN+ that is the malicious index, drawn as in Guo et al. 2024, Figures 22 to 25. None without two rulings for a
    line, or where nothing is held against anybody.
    """
    rulings = [(record.round, record.ruling) for record in run.rounds if record.ruling is not None]
    if len(rulings) < 2 or not rulings[-1][1].suspicion:
        return None
    figure = new_figure(WIDE, 4.6)
    axes = figure.add_subplot()
    for client in rulings[-1][1].suspicion:
        counts = [(round_, ruling.suspicion.get(client, 0.0)) for round_, ruling in rulings]
        bans = [point for point, (_, ruling) in zip(counts, rulings, strict=True) if client in ruling.banned]
        colour = COMPROMISED if client in run.compromised else HONEST
        axes.plot(*zip(*counts, strict=True), color=colour, alpha=0.7, gid=f"client {client}")
        axes.scatter([x for x, _ in bans], [y for _, y in bans], color=colour, marker="x", s=18)
    axes.set_xlabel("round")
    axes.set_ylabel("suspicion")
    axes.grid(color=GRID)
    whole_numbers(axes, axis="x")
    for label, colour in (("honest", HONEST), ("compromised", COMPROMISED)):
        axes.plot([], [], color=colour, label=label)
    style(
        axes,
        "What is held against each client",
        f"{sum(ruling.rollback for _, ruling in rulings)} rollbacks; x: banned",
    )
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


PICTURE = Picture(
    "malicious_index",
    section="Decisions",
    alt="Line chart of how much the defense holds against each client, by round.",
    of_run=malicious_index_figure,
)
