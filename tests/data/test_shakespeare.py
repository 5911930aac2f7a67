"""Speakers and what they say."""

import pytest
import torch

from fedprop.data import Shakespeare
from fedprop.data.shakespeare import SYMBOLS
from fedprop.errors import DataUnavailable, InvalidConfig

PLAY = "BOY:\nabcdefghij\n\nANNE:\n\nANNE:\nABCDE\nFGH\n\nBOY:\nk  l$no\n\nMUTE:\nHm.\n"


@pytest.fixture
def play(tmp_path):
    (tmp_path / "shakespeare").mkdir()
    (tmp_path / "shakespeare" / "tinyshakespeare.txt").write_text(PLAY)
    return tmp_path


def told(rows):
    return ["".join(SYMBOLS[place] for place in row) for row in rows.tolist()]


def test_each_speaker_is_a_user_and_labels_follow(play):
    """Boy says `abcdefghij`, a line break and `k l no`, 17 characters, and Anne 9; the last 4 and 2 are for testing."""
    data = Shakespeare(length=3, stride=4, test_fraction=0.25).load(play, 0)
    assert (data.classes, data.sequences, data.shape) == (80, True, (3,))
    assert told(data.train.x) == ["ABC", "abc", "efg", "ij\n"]
    assert told(data.train.y) == ["BCD", "bcd", "fgh", "j\nk"]
    assert data.train.users.tolist() == [0, 1, 1, 1]
    assert told(data.test.x) == ["l n"]


def test_leafs_own_way_has_one_label_and_a_sequence_at_every_character(play):
    data = Shakespeare(length=5, stride=1, only_last=True, speakers=1, test_fraction=0.4).load(play, 0)
    assert not data.sequences
    assert told(data.train.x) == ["abcde", "bcdef", "cdefg", "defgh", "efghi"]
    assert told(data.train.y[:, None]) == ["f", "g", "h", "i", "j"]
    assert data.train.users.tolist() == [0] * 5
    assert told(data.test.x) == ["\nk l ", "k l n"]


def test_what_cannot_be_cut_is_refused(play, no_environment):
    for settings, sentence in (
        ({"length": 99}, "`length` must be below what somebody says"),
        ({"length": 9, "test_fraction": 0.01}, "must leave somebody 10 characters to test on"),
        (
            {"length": 3, "test_fraction": 0.25, "test_size": 9},
            "`test_size` must be at most 1 for shakespeare; found 9",
        ),
    ):
        with pytest.raises(InvalidConfig, match=sentence):
            Shakespeare(**settings).load(play, 0)
    (play / "shakespeare" / "tinyshakespeare.txt").write_text("To be, or not to be")
    with pytest.raises(DataUnavailable, match=r"cannot be used .speeches below lines such as"):
        Shakespeare().load(play, 0)
    with pytest.raises(DataUnavailable, match=r"shakespeare needs the file tinyshakespeare\.txt"):
        Shakespeare().load(None, 0)


@pytest.mark.data("shakespeare")
def test_the_real_text_has_hundreds_of_speakers(data_dir):
    data = Shakespeare(test_size=50).load(data_dir, 0)
    assert (len(data.train), len(data.test), int(data.train.users.max()) + 1) == (11413, 50, 252)
    assert torch.equal(data.train.x[:, 1:], data.train.y[:, :-1])
    assert len(Shakespeare(speakers=9).load(data_dir, 0).train.users.unique()) == 9
