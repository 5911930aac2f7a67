"""Data whose answers are numbers."""

import torch

from fedprop.data import Diabetes, ManyTopics


def test_patients_are_standardised_by_those_who_train():
    data = Diabetes().load(None, 0)
    assert (len(data.train), len(data.test), data.shape, data.classes, data.vectors) == (354, 88, (10,), 1, True)
    for part in (data.train.x, data.train.y):
        torch.testing.assert_close(part.mean(dim=0), torch.zeros(part.shape[1]), atol=1e-5, rtol=0)
        torch.testing.assert_close(part.std(dim=0, correction=0), torch.ones(part.shape[1]))
    assert not torch.equal(data.train.y, Diabetes().load(None, 1).train.y)
    assert len(Diabetes(test_size=9).load(None, 0).test) == 9


def test_documents_are_on_any_number_of_topics():
    data = ManyTopics(train_size=200, test_size=50).load(None, 0)
    assert (len(data.train), len(data.test), data.shape, data.classes, data.vectors) == (200, 50, (30,), 5, True)
    assert data.train.y.unique().tolist() == [0.0, 1.0]
    counts = data.train.y.sum(dim=1)
    assert counts.min() == 0 < 2 < counts.max()
    assert float(data.train.x.std(dim=0, correction=0).max()) == 1.0
    assert torch.equal(data.train.x, ManyTopics(train_size=200, test_size=50).load(None, 0).train.x)
