"""EMNIST and FEMNIST, from tiny files laid out as the real ones."""

import json

import numpy as np
import pytest
import torch

from fedprop.data import EMNIST, FEMNIST
from fedprop.errors import DataUnavailable


@pytest.fixture
def letters(tmp_path, idx_bytes):
    (tmp_path / "emnist").mkdir()
    pictures = {}
    for part, n in (("train", 6), ("test", 3)):
        pictures[part] = np.random.default_rng(n).integers(0, 256, (n, 28, 28))
        for name, array in (("images-idx3", pictures[part]), ("labels-idx1", 1 + np.arange(n))):
            (tmp_path / "emnist" / f"emnist-letters-{part}-{name}-ubyte").write_bytes(idx_bytes(array))
    return pictures


@pytest.fixture
def writers(tmp_path):
    """Writers b and a in two files to train on, b in both; b and c to test on."""

    def picture(ink):
        return [1.0] * 783 + [ink]

    files = {
        "train/all_data_0.json": {"b": ([0.1, 0.2], [5, 61]), "none": ([], [])},
        "train/all_data_1.json": {"a": ([0.3], [0]), "b": ([0.4], [1])},
        "test/all_data_0.json": {"b": ([0.5], [2]), "c": ([0.6], [3])},
    }
    for name, users in files.items():
        owned = {user: {"x": [picture(ink) for ink in inks], "y": y} for user, (inks, y) in users.items()}
        path = tmp_path / "femnist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"users": [*owned], "num_samples": [len(y) for _, y in users.values()], "user_data": owned})
        )
    return tmp_path / "femnist"


def test_letters_stand_upright_and_count_from_zero(letters, tmp_path):
    data = EMNIST(split="letters").load(tmp_path, 0)
    assert (data.shape, data.classes, data.train.y.tolist(), data.test.y.tolist()) == (
        (1, 28, 28),
        26,
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2],
    )
    assert torch.equal(data.train.x[2, 0], torch.from_numpy(letters["train"][2].T / 255).float())


def test_other_letters_are_refused(letters, tmp_path, idx_bytes, no_environment):
    with pytest.raises(DataUnavailable, match="emnist needs the file emnist-balanced-train-images-idx3-ubyte"):
        EMNIST().load(tmp_path, 0)
    with pytest.raises(DataUnavailable, match=r"emnist-letters-train-images-idx3-ubyte .*no data folder"):
        EMNIST(split="letters").load(None, 0)
    path = tmp_path / "emnist" / "emnist-letters-test-labels-idx1-ubyte"
    for labels, why in (
        ([0, 1, 2], "labels 1 ... 26 expected, found 0 ... 2"),
        ([1, 27, 2], "found 1 ... 27"),
        ([1, 2], "2 labels for 3 images"),
    ):
        path.write_bytes(idx_bytes(np.array(labels)))
        with pytest.raises(DataUnavailable, match=why):
            EMNIST(split="letters").load(tmp_path, 0)


def test_writers_are_users(writers, tmp_path):
    data = FEMNIST().load(tmp_path, 0)
    assert (data.shape, data.classes) == ((1, 28, 28), 62)
    assert data.train.users.tolist() == [0, 1, 1, 1]
    assert data.train.y.tolist() == [0, 5, 61, 1]
    assert data.train.x[:, 0, 27, 27].tolist() == pytest.approx([0.3, 0.1, 0.2, 0.4])
    assert data.test.y.tolist() == [2, 3]
    chosen = FEMNIST(train_size=2).load(tmp_path, 0).train
    assert len(chosen.users) == 2


def test_other_writers_are_refused(writers, tmp_path, no_environment):
    with pytest.raises(DataUnavailable, match=r"femnist needs the file train/<any>\.json"):
        FEMNIST().load(None, 0)
    path = writers / "test" / "all_data_0.json"
    for wrong, why in (
        ([], "user_data as LEAF lays it out expected"),
        ({"user_data": {"a": {"x": [[0.0] * 784], "y": []}}}, "as many labels as inputs expected, found others for a"),
        ({"user_data": {"a": {"x": [[0.0] * 784], "y": [62]}}}, "1 pictures with 1 labels, 62 ... 62"),
        ({"user_data": {"a": {"x": [[0.0] * 783], "y": [0]}}}, "needs pictures of 28x28"),
        ({"user_data": {}}, "needs pictures of 28x28"),
    ):
        path.write_text(json.dumps(wrong))
        with pytest.raises(DataUnavailable, match=why):
            FEMNIST().load(tmp_path, 0)
    path.unlink()
    with pytest.raises(DataUnavailable, match=r"femnist needs the file test/\*\.json"):
        FEMNIST().load(tmp_path, 0)
