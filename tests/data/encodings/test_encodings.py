"""Texts as numbers."""

import torch

from fedprop.data import ENCODINGS, BagOfWords, ByteIds, WordIds
from fedprop.data.encodings.base import TokenIds


def test_a_text_is_encoded_whatever_the_others_are():
    texts = ["One word, one meaning.", "", "A plain sentence says what a constant counts."]
    for encoding in ENCODINGS.examples():
        if encoding.kind == "tokenizer":  # needs a folder; tests/models/test_huggingface.py makes one
            continue
        together = encoding.encode(texts)
        alone = torch.cat([encoding.encode([text]) for text in texts])
        assert torch.equal(together, alone), encoding.kind
        assert together.dtype in (torch.float32, torch.int64)
        if isinstance(encoding, TokenIds):
            assert 0 <= int(together.min()) <= int(together.max()) < encoding.vocabulary


def test_bags_count_words_in_any_order_and_no_stop_words():
    bags = BagOfWords(features=64).encode(["red fish red", "the red red fish", "fish fish red", "of the"])
    assert torch.equal(bags[0], bags[1])
    assert not torch.equal(bags[0], bags[2])
    assert sorted(bags[0].abs()[bags[0] != 0].tolist()) == [torch.tensor(n / 5**0.5).item() for n in (1, 2)]
    assert bags[3].eq(0).all()


def test_tokens_are_cut_and_filled_up():
    assert ByteIds(length=3).encode(["AB", "é!ABC"]).tolist() == [[66, 67, 0], [196, 170, 34]]
    (to, be, comma, also, *rest) = WordIds(length=6, words=10**6).encode(["To be, to"])[0].tolist()
    assert (to, rest) == (also, [0, 0])
    assert len({to, be, comma, 0}) == 4
    assert WordIds(length=1, words=2).vocabulary == 3
