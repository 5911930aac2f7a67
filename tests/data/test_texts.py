"""Postings and questions, from tiny files laid out as the real ones."""

import json

import pytest
import torch
from pydantic import ValidationError

from fedprop.data import BagOfWords, ByteIds, Newsgroups, PubMedQA
from fedprop.errors import DataUnavailable, InvalidConfig


@pytest.fixture
def postings(tmp_path):
    """Two postings in each of twenty groups to train on, and one to test on."""
    for part, numbers in (("train", (1, 2)), ("test", (3,))):
        for group in range(20):
            folder = tmp_path / "newsgroups" / f"20news-bydate-{part}" / f"group.{group:02}"
            folder.mkdir(parents=True)
            for number in numbers:
                (folder / str(number)).write_bytes(f"caf\xe9 {group} {number}".encode("latin1"))
    return tmp_path


@pytest.fixture
def questions(tmp_path):
    (tmp_path / "pubmedqa").mkdir()
    entries = {
        str(number): {"QUESTION": f"Q{number}?", "CONTEXTS": ["a", "b"], "LONG_ANSWER": "Long.", "final_decision": said}
        for number, said in enumerate(("yes", "no", "maybe", "yes"))
    }
    (tmp_path / "pubmedqa" / "ori_pqal.json").write_text(json.dumps(entries))
    return tmp_path


def read(rows):
    return [bytes(token - 1 for token in row if token).decode() for row in rows.tolist()]


def test_groups_are_classes(postings):
    data = Newsgroups(encoding=ByteIds(length=20)).load(postings, 0)
    assert (data.classes, data.sequences, len(data.train), len(data.test)) == (20, False, 40, 20)
    assert data.train.y.tolist() == [group for group in range(20) for _ in range(2)]
    assert read(data.train.x[:3]) == ["café 0 1", "café 0 2", "café 1 1"]
    assert read(data.test.x[-1:]) == ["café 19 3"]
    assert Newsgroups(encoding=BagOfWords(features=9), train_size=7).load(postings, 0).train.x.shape == (7, 9)


def test_all_texts_are_one_stream_where_the_next_token_is_learnt(postings):
    data = Newsgroups(encoding=ByteIds(length=6), next_token=True).load(postings, 0)
    assert (data.classes, data.sequences) == (257, True)
    assert torch.equal(data.train.x.flatten()[1:], data.train.y.flatten()[:-1])
    # `caf`, two bytes, a blank, `0`, a blank, `1`, and then padding before the next posting.
    assert data.train.x[1].tolist() == [1 + ord(sign) for sign in "0 1"] + [0] + [1 + ord(sign) for sign in "ca"]
    with pytest.raises(InvalidConfig, match=r"`encoding\.length` must be below the number of tokens, 4\d\d, to cut"):
        Newsgroups(encoding=ByteIds(length=999), next_token=True).load(postings, 0)
    with pytest.raises(ValidationError, match=r"`next_token` needs an `encoding` of tokens, .*; found bag"):
        Newsgroups(next_token=True)


def test_missing_groups_are_told(postings, no_environment):
    with pytest.raises(DataUnavailable, match=r"newsgroups needs the file 20news-bydate-train/<group>/<number> "):
        Newsgroups().load(None, 0)
    (postings / "newsgroups" / "20news-bydate-train" / "group.07" / "1").unlink()
    (postings / "newsgroups" / "20news-bydate-train" / "group.07" / "2").unlink()
    with pytest.raises(DataUnavailable, match="found 19 groups to train on, or others to test on"):
        Newsgroups().load(postings, 0)


def test_questions_have_three_answers(questions):
    data = PubMedQA(encoding=ByteIds(length=20), test_fraction=0.25).load(questions, 0)
    labels = torch.cat([data.train.y, data.test.y]).tolist()
    told = dict(zip(read(torch.cat([data.train.x, data.test.x])), labels, strict=True))
    assert told == {"Q0?\na\nb": 0, "Q1?\na\nb": 1, "Q2?\na\nb": 2, "Q3?\na\nb": 0}
    assert (len(data.train), len(data.test), data.classes) == (3, 1, 3)
    spoken = PubMedQA(encoding=ByteIds(length=2), next_token=True).load(questions, 0)
    assert "Long.\nyes" in "".join(read(spoken.train.x) + read(spoken.test.x))


def test_other_questions_are_refused(questions):
    path = questions / "pubmedqa" / "ori_pqal.json"
    entry = {"QUESTION": "Q?", "CONTEXTS": ["a"], "LONG_ANSWER": "L", "final_decision": "yes"}
    for wrong, why in (
        ([], "laid out|lays them out expected"),
        ({"1": {}}, "KeyError"),
        ({"1": {**entry, "final_decision": "who knows"}}, "who knows"),
        ({"1": entry}, "two questions or more expected, found 1"),
    ):
        path.write_text(json.dumps(wrong))
        with pytest.raises(DataUnavailable, match=f"pubmedqa needs the file ori_pqal.json .*{why}"):
            PubMedQA().load(questions, 0)


@pytest.mark.data("newsgroups", "pubmedqa")
def test_the_real_texts(data_dir):
    news = Newsgroups(encoding=BagOfWords(features=256)).load(data_dir, 0)
    assert torch.bincount(news.test.y, minlength=20).min() > 0
    asked = PubMedQA().load(data_dir, 0)
    assert (len(asked.train), len(asked.test)) == (500, 500)
    # 552 yes, 338 no, 110 maybe (Jin et al. 2019, Table 2).
    assert (torch.bincount(asked.train.y) + torch.bincount(asked.test.y)).tolist() == [552, 338, 110]
