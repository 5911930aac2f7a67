"""Texts as data: a made-up language, and files."""

import math

import pytest
import torch

from fedprop.data import MarkovText, Text
from fedprop.errors import DataUnavailable, InvalidConfig


def test_labels_are_the_tokens_that_follow():
    data = MarkovText(tokens=5, length=7, train_size=20, test_size=10).load(None, 3)
    assert data.sequences
    assert data.train.x.shape == data.train.y.shape == (20, 7)
    assert torch.equal(data.train.x[:, 1:], data.train.y[:, :-1])
    assert (data.classes, len(data.test)) == (5, 10)


def test_the_entropy_is_what_the_language_itself_loses():
    """The mean of -log p over a long text, by the language's own probabilities, comes to the entropy rate."""
    spec = MarkovText(tokens=4, length=40)
    language, said = spec.language(0), spec.spoken(2000, 0)
    first, second, third = said[:, :-2], said[:, 1:-1], said[:, 2:]
    assert float(-language[first, second, third].log().mean()) == pytest.approx(spec.entropy(0), rel=0.01)
    assert 0 < spec.entropy(0) < math.log(4)
    assert spec.entropy(0) != spec.entropy(1)


def test_a_file_is_cut_into_sequences(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "mine.txt").write_text("abcabcabcdé", encoding="utf-8")
    data = Text(file="mine.txt", length=3, test_fraction=0.4).load(tmp_path, 0)
    assert (data.name, data.classes) == ("mine.txt", 5)
    assert data.train.x.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert data.train.y.tolist() == [[1, 2, 0], [1, 2, 0]]
    assert data.test.y.tolist() == [[1, 2, 3]]
    with pytest.raises(InvalidConfig, match="`length` must leave sequences to train and to test on"):
        Text(file="mine.txt", length=3, characters=5).load(tmp_path, 0)
    with pytest.raises(DataUnavailable, match=r"text needs the file absent\.txt"):
        Text(file="absent.txt").load(tmp_path, 0)
