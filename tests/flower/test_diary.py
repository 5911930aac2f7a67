"""From what nodes print to bars: an example worked out by hand."""

from fedprop.flower.diary import Happened, accuracy, bars, heard, marks
from fedprop.report.figures.deployment import Bar, Mark, deployment_figure
from fedprop.report.figures.style import COMPROMISED

NAMES = ("node 0", "node 1 (random)")
ROUNDS = [
    {"round": 1, "when": [100.0, 110.0, 111.0], "test": {}},
    {"round": 2, "when": [112.0, 120.0, 121.0], "test": {"accuracy": 0.5, "loss": 1.0}},
]
EVENTS = [
    Happened(99.0, 0, "up", detail="77"),
    Happened(101.0, 0, "received"),
    Happened(103.0, 0, "training", 1),
    Happened(104.0, 0, "stopped", 1),
    Happened(107.0, 0, "resumed"),
    Happened(108.0, 0, "trained", 1),
    Happened(109.0, 0, "sent"),
    Happened(113.0, 1, "received"),
    Happened(114.0, 1, "training", 2),
    Happened(115.0, 1, "killed", 2),
    Happened(116.0, 1, "sent"),
]


def test_lines_are_understood_and_others_are_not():
    lines = {
        "\x1b[92mINFO \x1b[0m:      SuperNode ID: 16243543124813453085": ("up", 0, "16243543124813453085"),
        "\x1b[92mINFO \x1b[0m:      Received successfully": ("received", 0, ""),
        "\x1b[92mINFO \x1b[0m:      client 4: round 12: training": ("training", 12, ""),
        "\x1b[92mINFO \x1b[0m:      client 4: round 12: trained, loss 2.2253": ("trained", 12, ""),
        "\x1b[92mINFO \x1b[0m:      Sent successfully": ("sent", 0, ""),
    }
    assert {line: tuple(heard(1.0, 4, line))[2:] for line in lines} == lines
    assert heard(1.0, 4, "INFO :      Connection successful after 1.39 seconds and 3 tries.") is None


def test_what_everybody_was_doing_is_told_from_the_first_round_on():
    assert bars(EVENTS, ROUNDS, NAMES) == [
        Bar("server", "waiting of the server", 0, 10),
        Bar("server", "aggregation", 10, 11),
        Bar("server", "waiting of the server", 12, 20),
        Bar("server", "aggregation", 20, 21),
        Bar("node 0", "communication", 0, 1),
        Bar("node 0", "start of the client app", 1, 3),
        Bar("node 0", "training", 3, 4),
        Bar("node 0", "stopped", 4, 7),
        Bar("node 0", "training", 7, 8),
        Bar("node 0", "communication", 8, 9),
        Bar("node 1 (random)", "communication", 12, 13),
        Bar("node 1 (random)", "start of the client app", 13, 14),
        Bar("node 1 (random)", "training", 14, 15),
    ]
    assert marks(EVENTS, ROUNDS, NAMES) == [Mark("node 1 (random)", "killed", 15)]
    assert accuracy(ROUNDS) == [(2, 0.5)]


def test_the_picture_has_a_row_for_each_and_attackers_in_their_colour():
    found = deployment_figure(
        ["server", *NAMES, "node 2"],
        bars(EVENTS, ROUNDS, NAMES),
        marks(EVENTS, ROUNDS, NAMES),
        {"here": [(1, 0.2), (2, 0.5)], "nowhere": [], "simulated": [(1, 0.2)]},
        hostile=NAMES[1:],
    )
    above, below = found.axes
    labels = above.get_yticklabels()
    assert [label.get_text() for label in labels] == ["server", *NAMES, "node 2"]
    assert [label.get_color() == COMPROMISED for label in labels] == [False, False, True, False]
    told = [text.get_text() for text in above.get_legend().get_texts()]
    assert told == [
        "waiting of the server",
        "aggregation",
        "communication",
        "start of the client app",
        "training",
        "stopped",
        "killed",
    ]
    assert [line.get_label() for line in below.lines] == ["here", "simulated"]
