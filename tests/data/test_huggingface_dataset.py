"""Columns of tables in local files; nothing is downloaded."""

import json

import pytest
import torch
from pydantic import ValidationError

from fedprop.data import ByteIds, HuggingFaceDataset
from fedprop.errors import DataUnavailable, InvalidConfig
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run

ROWS = [
    {"said": f"text {i}", "mood": ("sad", "glad")[i % 2], "who": f"p{i % 3}", "a": i, "b": i / 2} for i in range(12)
]


def test_settings_that_contradict_each_other_are_refused():
    for settings, sentence in (
        ({"label": "y"}, "give `text` or `inputs`, one of them"),
        ({"text": "t", "inputs": ["a"], "label": "y"}, "give `text` or `inputs`, one of them"),
        ({"text": "t"}, "give `label`, or `next_token: true`"),
        ({"text": "t", "next_token": True}, "needs `text`, and an `encoding` of tokens"),
        ({"text": "t", "next_token": True, "user": "u", "encoding": "byte_ids"}, "`user` must be left out"),
    ):
        with pytest.raises(ValidationError, match=sentence):
            HuggingFaceDataset(path="here", **settings)


def test_without_the_package_it_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(InvalidConfig, match=r"needs the package datasets, pip install 'fedprop\[datasets\]'; found"):
        HuggingFaceDataset(path=str(tmp_path), text="t", label="y").load(None, 0)


@pytest.fixture
def datasets():
    return pytest.importorskip("datasets", reason="needs the extra `datasets`")


@pytest.fixture
def saved(datasets, tmp_path):
    """Eight rows to train on and four to test on, as `save_to_disk` leaves them."""
    parts = {"train": datasets.Dataset.from_list(ROWS[:8]), "test": datasets.Dataset.from_list(ROWS[8:])}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "saved")
    return str(tmp_path / "saved")


def table(path, **settings):
    return HuggingFaceDataset(path=str(path), **settings).load(None, 0)


def test_texts_names_and_users_of_a_saved_folder(saved):
    data = table(saved, text="said", label="mood", user="who", encoding=ByteIds(length=9))
    assert [bytes(token - 1 for token in row if token).decode() for row in data.test.x.tolist()] == [
        row["said"] for row in ROWS[8:]
    ]
    assert (data.train.y.tolist(), data.classes) == ([1, 0] * 4, 2)  # glad comes before sad
    assert data.train.users.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert len(table(saved, text="said", label="mood", train_size=3).train) == 3
    spoken = table(saved, text="said", next_token=True, encoding=ByteIds(length=4))
    assert (spoken.classes, spoken.sequences) == (257, True)
    assert torch.equal(spoken.train.x.flatten()[1:], spoken.train.y.flatten()[:-1])


def test_numbers_side_by_side_and_answers_that_are_numbers(saved):
    data = table(saved, inputs=("a", "b"), label="a")
    assert (data.train.x[3].tolist(), data.train.y.tolist(), data.classes) == ([3.0, 1.5], [*range(8)], 12)
    answers = table(saved, inputs=("a",), label="b")
    assert (answers.train.x.dtype, answers.vectors, answers.test.y.tolist()) == (
        torch.int64,
        True,
        [[4.0], [4.5], [5.0], [5.5]],
    )


def test_files_by_the_names_of_their_splits_and_one_table_cut_in_two(datasets, tmp_path):
    lines = "".join(f"{json.dumps(row)}\n" for row in ROWS[:8])
    (tmp_path / "train.jsonl").write_text(lines)
    (tmp_path / "test.json").write_text(json.dumps(ROWS[8:]))
    wanted = table(tmp_path, inputs=("a",), label="mood")
    assert (len(wanted.train), wanted.test.x.flatten().tolist()) == (8, [8, 9, 10, 11])
    whole = datasets.Dataset.from_list(ROWS)
    for name, write in (("all.csv", whole.to_csv), ("all.parquet", whole.to_parquet)):
        write(tmp_path / name)
        data = table(tmp_path / name, inputs=("a",), label="mood", test_fraction=0.25)
        assert (len(data.train), len(data.test)) == (9, 3)
        assert sorted(torch.cat([data.train.x, data.test.x]).flatten().tolist()) == [*range(12)]


def test_pictures_have_channels_first_and_lie_between_0_and_1(datasets, tmp_path):
    shades = torch.arange(0, 240, 20, dtype=torch.uint8)
    pictures = [shades.view(2, 2, 3).numpy(), shades.flip(0).view(2, 2, 3).numpy()]
    features = datasets.Features({"seen": datasets.Image(), "what": datasets.ClassLabel(names=["a", "b", "c"])})
    datasets.Dataset.from_dict({"seen": pictures, "what": [0, 1]}, features=features).save_to_disk(tmp_path / "seen")
    data = table(tmp_path / "seen", inputs=("seen",), label="what", test_fraction=0.5)
    assert (data.shape, data.classes) == ((3, 2, 2), 3)
    shown = {int(y): x for x, y in ((data.train.x[0], data.train.y[0]), (data.test.x[0], data.test.y[0]))}
    torch.testing.assert_close(shown[0], shades.view(2, 2, 3).permute(2, 0, 1) / 255)


def test_what_is_missing_is_told(datasets, saved, tmp_path):
    wanted = {"text": "said", "label": "mood"}
    (tmp_path / "broken.json").write_text("[{")
    for settings, error, sentence in (
        (wanted | {"text": "sayd"}, InvalidConfig, r"`data\.text` must name a column, of 'said', 'mood', 'who', 'a',"),
        (wanted | {"text": "a"}, InvalidConfig, r"`data\.text` must name a column of texts; found 0 in 'a'"),
        ({"inputs": ("said",), "label": "mood"}, InvalidConfig, r"`data\.inputs` must name a column of numbers"),
        (wanted | {"test": "exam"}, InvalidConfig, r"`data\.test` must name a split, of 'train', 'test'; found 'exam'"),
        (wanted | {"test_fraction": 0.5}, InvalidConfig, r"`data\.test_fraction` must be left out .*; found 0\.5"),
        (wanted | {"path": f"{saved}/train"}, InvalidConfig, r"`data\.test_fraction` must be set"),
        (wanted | {"path": f"{saved}/nowhere"}, DataUnavailable, r"`data\.path` must be a folder that save_to_disk"),
        (wanted | {"path": f"{tmp_path}/broken.json"}, DataUnavailable, r"cannot use .*broken\.json; Expecting"),
        (wanted | {"train_size": 9}, InvalidConfig, r"`train_size` must be at most 8 for huggingface_dataset; found 9"),
    ):
        with pytest.raises(error, match=sentence):
            table(**{"path": saved} | settings)


def test_clients_who_are_people_learn_from_it(saved):
    data = {"kind": "huggingface_dataset", "path": saved, "inputs": ["a", "b"], "label": "mood", "user": "who"}
    outcome = run(
        Experiment(
            rounds=2, clients=3, data=data, partition="largest_users", model="logistic_regression", defense="median"
        )
    )
    assert not any(record.failure for record in outcome.rounds)
