import json

import pytest

from fedprop.errors import StoreError
from fedprop.experiments.sweep import SWEEP_FILE, NotedCell, Place, note_of, read_note
from fedprop.experiments.sweep.note import failed, write_note

RULE = """
from pathlib import Path
from fedprop.aggregators import Mean
Path("ran").touch()

class Own(Mean):
    kind: str = "own"
"""


def test_a_note_comes_back_as_it_was(small, tmp_path):
    note = failed(note_of(small(seeds=[0, 1], notes="<b>")), {"mean-nobody-seed1": "no memory"})
    write_note(note, tmp_path)
    assert read_note(tmp_path) == note
    assert [cell.place for cell in note.cells[:2]] == [Place(("Mean", "Nobody"), seed) for seed in (0, 1)]
    assert [cell.failure for cell in note.cells] == ["", "no memory", *[""] * 6]
    assert failed(note, {"mean-nobody-seed0": "x", "mean-nobody-seed1": ""}).cells[:2] == (
        NotedCell(labels=("Mean", "Nobody"), seed=0, failure="x"),
        NotedCell(labels=("Mean", "Nobody"), seed=1),
    )
    assert list(note.axes.items()) == [("rule", ("Mean", "Krum 1")), ("attack", ("Nobody", "Matched"))]


def test_reading_a_note_runs_nothing_that_it_names(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(RULE)
    write_note(note_of(small(axes={"rule": {"Own": {"defense": {"kind": "own.py:Own"}}}})), tmp_path)
    (tmp_path / "ran").unlink()
    (tmp_path / "own.py").write_text(f"{RULE}# changed\n")
    assert read_note(tmp_path).config["axes"]["rule"]["Own"] == {"defense": {"kind": "own.py:Own"}}
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("text", ["{", "\x00", "", "[" * 100_000, "1" * 5_000])
def test_what_is_no_json_is_refused(tmp_path, text):
    (tmp_path / SWEEP_FILE).write_text(text)
    with pytest.raises(StoreError, match=r"sweep.json cannot be read"):
        read_note(tmp_path)


CHANGES = {
    "format": 1,
    "name": ["small"],
    "axes": {"rule": "Mean"},
    "measures": ["beauty"],
    "paper": {"values": {"Mean": {"Nobody": "low"}}},
    "cells": [{"labels": ["Mean", "Matched"], "seed": -1}],
    "config": None,
    "further": True,
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *CHANGES.items(),
        ("measures", []),
        ("cells", [{"labels": ["Mean"], "seed": 0}]),
        ("cells", [{"labels": ["Mean", "x"], "seed": 0}]),
    ],
)
def test_what_is_no_note_is_refused(small, tmp_path, key, value):
    found = {**note_of(small()).model_dump(mode="json"), key: value}
    (tmp_path / SWEEP_FILE).write_text(json.dumps(found))
    with pytest.raises(StoreError, match=rf"sweep.json is damaged, or of another version of fedprop, at '{key}"):
        read_note(tmp_path)
