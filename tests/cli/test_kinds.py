"""`fedprop list`."""

import pytest

from fedprop.cli.console import OUT
from fedprop.cli.kinds import Family
from fedprop.experiments.catalogue import kinds


@pytest.mark.parametrize("family", list(Family))
def test_list_shows_every_kind(fedprop, family, monkeypatch):
    code, out, _ = fedprop("list", family)
    assert code == 0
    for kind in kinds(family):
        assert kind in out


def test_list_shows_the_settings_of_a_kind(fedprop, monkeypatch):
    monkeypatch.setattr(OUT, "_width", 200)  # as a terminal so wide would
    code, out, _ = fedprop("list", "krum")
    assert code == 0
    assert out.startswith("krum (aggregators): The row whose nearest neighbours are closest")
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    assert lines == [
        ["f", "integer >= 0", "required", "how many Byzantine rows it is set to tolerate."],
        ["m", "integer > 0", "1", "how many of the best rows are averaged; 1 for Krum, more for Multi-Krum."],
    ]


def test_list_shows_what_has_no_settings_and_what_lies_further_inside(fedprop):
    assert "It has no settings." in fedprop("list", "iid")[1]
    assert "See also: fedprop list Outages" in fedprop("list", "faults")[1]


def test_list_shows_what_another_package_offers_in_vain(fedprop, monkeypatch):
    monkeypatch.setattr("fedprop.experiments.catalogue.refused", lambda family: {"star": "pens:Star is broken"})
    code, out, _ = fedprop("list", "tasks")
    assert code == 0
    assert "star: another package offers it, and it cannot be used: pens:Star is broken" in out
