"""Draws docs/images/architecture.png: one round, followed through the code. Run it from the root of the repository."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from fedprop.report.figures.style import COMPROMISED, HONEST, INK, MUTED, new_figure

LANES = ("server", "network", "client", "training and adversary")
WIDTH, HEIGHT, ACROSS, DOWN = 2.55, 0.72, 3.0, 1.12
"""Sizes of a box, and the distances of boxes beside and below each other, in inches."""

BOXES = {
    # name: (lane, row, what happens, where, the step of a protocol that may fill it in)
    "select": (0, 0, "1  open a round, choose clients", "policies/, server.py: open_round, sample", "select"),
    "invite": (0, 1, "2  give out tasks", "server.py: invite; ledger.py", "invite"),
    "down": (1, 1, "Invitation", "transport.py, network.py, clock.py", ""),
    "begin": (2, 1, "3  begin, or refuse", "clients.py: receive", "begin"),
    "ticket": (3, 1, "4  a ticket, not trained yet", "training/lazy.py: take, begin", ""),
    "sleep": (2, 2, "5  sleep for as long as it takes", "clients.py: _plan; clock.py: post", ""),
    "train": (3, 2, "6  train all open tickets at once", "training/engine.py and its engines", "train, finish"),
    "row": (2, 3, "7  the update: one row", "clients.py: _finish, _send", "report"),
    "adversary": (3, 3, "8  craft rows, claims, lateness", "adversary.py; attacks/: View -> Reply", ""),
    "up": (1, 3, "Update, reports", "messages.py, transport.py", ""),
    "door": (0, 3, "9  admit, or refuse and say why", "inbox.py; server.py: judge; admission.py", ""),
    "screen": (0, 4, "10  whose updates are used", "server.py: aggregate; screening.py", "screen"),
    "rows": (1, 4, "11  rows [n, d], discounted", "policy.rows; stepping.py: prepare", ""),
    "cohort": (2, 4, "12  stages >> rule >> after", "asking.py: ask; aggregators/pipeline.py", "aggregate"),
    "step": (3, 4, "13  take the server's step", "stepping.py: take; optimizers.py", "after"),
    "evaluate": (3, 5, "14  evaluate, show it to probes", "examination.py, metrics/, privacy/", ""),
    "record": (2, 5, "15  record of the round", "server.py: _close_round; events.py", ""),
    "store": (1, 5, "16  write it down", "experiments/recorder.py, store/", ""),
    "report": (0, 5, "17  summary and report", "experiments/summary.py, report/", ""),
}

ARROWS = (
    *(("select", "invite"), ("invite", "down"), ("down", "begin"), ("begin", "ticket"), ("begin", "sleep")),
    *(("sleep", "train"), ("train", "row"), ("row", "adversary"), ("row", "up"), ("up", "door"), ("door", "screen")),
    *(("screen", "rows"), ("rows", "cohort"), ("cohort", "step"), ("step", "evaluate"), ("evaluate", "record")),
    *(("record", "store"), ("store", "report")),
)


def corner(name: str) -> tuple[float, float]:
    """The lower left corner of a box."""
    lane, row, *_ = BOXES[name]
    return lane * ACROSS, -row * DOWN


def box(axes: Axes, name: str) -> None:
    """A box with what happens, where, and which step of a protocol may fill it in."""
    x, y = corner(name)
    _, _, what, where, step = BOXES[name]
    edge = COMPROMISED if name == "adversary" else HONEST if step else MUTED
    shape = FancyBboxPatch((x, y), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.08", fc="white", ec=edge)
    axes.add_patch(shape)
    axes.text(x + 0.1, y + 0.51, what, fontsize=8.5, color=INK, va="center", fontweight="bold")
    axes.text(x + 0.1, y + 0.31, where, fontsize=7.5, color=MUTED, va="center")
    if step:
        axes.text(x + 0.1, y + 0.12, step, fontsize=7.5, color=HONEST, va="center", style="italic")


def arrow(axes: Axes, source: str, target: str) -> None:
    """An arrow between the sides of two boxes that face each other."""
    (x, y), (u, v) = corner(source), corner(target)
    if x == u:
        start, end = (x + WIDTH / 2, y), (u + WIDTH / 2, v + HEIGHT)
    elif y == v:
        right = u > x
        start, end = (x + WIDTH * right, y + HEIGHT / 2), (u + WIDTH * (not right), v + HEIGHT / 2)
    else:  # back to the row of the client, one lane to the left and one row down
        start, end = (x, y), (u + WIDTH, v + HEIGHT)
    style = "<|-|>" if target == "adversary" else "-|>"
    axes.annotate("", end, start, arrowprops={"arrowstyle": style, "color": INK, "lw": 1, "shrinkA": 0, "shrinkB": 0})


def main() -> None:
    """Draw and write."""
    figure = new_figure(11.6, 6.9)
    axes = figure.add_subplot()
    axes.axis("off")
    axes.set_xlim(-0.1, 3 * ACROSS + WIDTH + 0.1)
    axes.set_ylim(-5 * DOWN - 0.55, HEIGHT + 0.4)
    for lane, name in enumerate(LANES):
        axes.text(lane * ACROSS, HEIGHT + 0.22, name, fontsize=11, color=MUTED, va="center")
    border = -3 * DOWN - (DOWN - HEIGHT) / 2
    axes.plot([WIDTH / 2 + 0.15, 3 * ACROSS + WIDTH], [border, border], color=MUTED, lw=0.8, linestyle=(0, (4, 4)))
    axes.text(
        ACROSS * 2,
        border - 0.01,
        " from here on the server alone ",
        fontsize=8,
        color=MUTED,
        va="center",
        backgroundcolor="white",
    )
    for name in BOXES:
        box(axes, name)
    for source, target in ARROWS:
        arrow(axes, source, target)
    told = "Blue: a step that a protocol may fill in (its name in italics). Red: asked for compromised clients only."
    axes.text(0, -5 * DOWN - 0.3, told, fontsize=8.5, color=INK, va="center")
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    main()
