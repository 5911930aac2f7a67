from dataclasses import dataclass, field
from typing import Literal

import pytest

from fedprop import Experiment, run
from fedprop.experiments.store import RunStore
from fedprop.experiments.tracking import Tracking, numbers_of, track_stored
from fedprop.metrics import Reading
from fedprop.simulation.events import RoundRecord
from fedprop.tracking import Track, Tracker


@dataclass
class Note(Track):
    name: str
    config: dict
    rounds: list = field(default_factory=list)
    drawn: list = field(default_factory=list)
    ended: str | None = None

    def numbers(self, round, values):
        self.rounds.append((round, values))

    def picture(self, name, png):
        self.drawn.append((name, png))

    def end(self, failure=""):
        self.ended = failure


NOTES: list[Note] = []


class Notebook(Tracker):
    kind: Literal["notebook"] = "notebook"

    def open(self, name, config, folder):
        assert folder.is_dir()
        NOTES.append(Note(name, config))
        return NOTES[-1]


@pytest.fixture(autouse=True)
def _no_notes():
    NOTES.clear()


EXPERIMENT = Experiment(
    name="small",
    rounds=4,
    clients=5,
    data="digits",
    model="logistic_regression",
    evaluate_every=2,
    checkpoint_every=2,
    attack={"kind": "sign_flip", "share": 0.2},
    defense={"kind": "krum", "f": 1},
)


def test_the_numbers_of_a_round_by_hand():
    """Client 0 attacks and was left out; so were two of the three honest ones."""
    record = RoundRecord(
        round=1,
        version=2,
        time=3.5,
        wall_seconds=0.1,
        accepted=4,
        rejected=2,
        accuracy=0.75,
        loss=0.5,
        weights={0: 0.0, 1: 1.0, 2: 0.0, 3: 0.0},
        numbers={"f1": Reading(0.5, {0: 0.25, 1: None})},
    )
    found = numbers_of(record, frozenset({0}))
    assert (found["accepted"], found["rejected"]) == (4.0, 2.0)
    assert found["virtual_seconds"] == 3.5
    assert found["failed"] == 0.0
    assert found["test_accuracy"] == 0.75
    assert found["attackers_excluded"] == 1.0
    assert found["honest_excluded"] == pytest.approx(2 / 3)
    assert (found["f1"], found["f1/0"]) == (0.5, 0.25)
    assert "f1/1" not in found


def test_a_run_is_told_as_it_goes_on(tmp_path):
    with Tracking(Notebook(), EXPERIMENT, tmp_path) as tracking:
        outcome = run(EXPERIMENT, watchers=[tracking])
        tracking.pictures([("one", b"png")])
        assert NOTES[0].ended is None
    (note,) = NOTES
    assert (note.name, note.config["clients"], note.drawn, note.ended) == ("small", 5, [("one", b"png")], "")
    assert [round_ for round_, _ in note.rounds] == [0, 1, 2, 3]
    assert note.rounds[3][1]["test_accuracy"] == outcome.test_accuracy
    assert "test_accuracy" not in note.rounds[0][1]
    assert note.rounds[0][1]["attackers_excluded"] == 1.0


def test_a_run_from_its_folder_is_told_as_it_was_told_before(tmp_path):
    with Tracking(Notebook(), EXPERIMENT, tmp_path) as tracking:
        run(EXPERIMENT, out=tmp_path / "run", watchers=[tracking])
    track_stored(RunStore(tmp_path / "run"), [Notebook()], tmp_path, pictures=[("one", b"png")])
    live, stored = NOTES
    assert live.rounds == stored.rounds
    assert live.config == stored.config
    assert (stored.drawn, stored.ended) == ([("one", b"png")], "")


def test_a_run_that_is_gone_on_with_is_told_from_its_first_round(tmp_path):
    run(EXPERIMENT.but(rounds=3), out=tmp_path)
    earlier = RunStore(tmp_path).each_round
    with Tracking(Notebook(), EXPERIMENT, tmp_path, earlier=earlier) as tracking:
        run(EXPERIMENT, out=tmp_path, resume=True, watchers=[tracking])
    assert [round_ for round_, _ in NOTES[0].rounds] == [0, 1, 2, 3]


def test_a_run_that_cannot_begin_leaves_no_track(tmp_path):
    with Tracking(Notebook(), EXPERIMENT, tmp_path) as tracking:
        tracking.pictures([("one", b"png")])
    assert NOTES == []


def test_a_run_that_breaks_off_is_marked_as_failed(tmp_path):
    def interrupt(record, snapshot):
        raise KeyboardInterrupt("enough")

    class Impatient(Tracking):
        def on_round(self, record, snapshot):
            super().on_round(record, snapshot)
            interrupt(record, snapshot)

    with pytest.raises(KeyboardInterrupt), Impatient(Notebook(), EXPERIMENT, tmp_path) as tracking:
        run(EXPERIMENT, watchers=[tracking])
    assert NOTES[0].ended == "enough"
