"""Made-up documents on several topics at once."""

from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from pydantic import PositiveInt

from fedprop.data.base import Dataset, DatasetSpec, Examples
from fedprop.rng import key


class ManyTopics(DatasetSpec):
    """Counts of words in documents that are on some topics, on none, or on all; for `task: multi_label`.

    Source: scikit-learn's `make_multilabel_classification`: a document has a Poisson number of topics and of words,
    each word drawn by one of its topics. Counts are divided by their largest standard deviation in the training set.

    Attributes
    ----------
    topics : how many there are.
    words : how many different words.
    train_size, test_size : how many documents.
    """

    kind: Literal["many_topics"] = "many_topics"
    topics: PositiveInt = 5
    words: PositiveInt = 30
    train_size: PositiveInt = 1000
    test_size: PositiveInt = 200

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(topics=3, words=9, train_size=50, test_size=20))

    def load(self, data_dir: Path | None, seed: int) -> Dataset:
        from sklearn.datasets import make_multilabel_classification

        counts, topics = make_multilabel_classification(
            self.train_size + self.test_size,
            n_features=self.words,
            n_classes=self.topics,
            random_state=key(seed, "topics") % 2**32,
        )
        x = torch.from_numpy((counts / max(1.0, counts[: self.train_size].std(axis=0).max())).astype(np.float32))
        every = Examples(x, torch.from_numpy(topics.astype(np.float32)))
        train = torch.arange(len(x)) < self.train_size
        return Dataset(self.kind, every.at(train), every.at(~train), self.topics)
