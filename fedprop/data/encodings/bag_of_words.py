"""Which words occur, whatever their order."""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.data.encodings.base import Encoding


class BagOfWords(Encoding):
    """How often words occur, hashed into `features` numbers, each text's of length 1; enough for a linear model.

    Source: the hashing trick of Weinberger et al. 2009, as scikit-learn's `HashingVectorizer` has it: no vocabulary is
    learnt, so nothing has to be agreed upon among clients. A word is two or more letters or digits in lower case; those
    that scikit-learn lists as English stop words do not count.

    Attributes
    ----------
    features : how many numbers a text becomes.

    >>> BagOfWords(features=8).encode(["", "boat boat"]).norm(dim=1).tolist()
    [0.0, 1.0]
    """

    kind: Literal["bag_of_words"] = "bag_of_words"
    features: PositiveInt = 4096

    def encode(self, texts: Sequence[str]) -> Tensor:
        # scikit-learn takes a second to import, so only those who read texts pay for it.
        from sklearn.feature_extraction.text import HashingVectorizer

        counted = HashingVectorizer(n_features=self.features, stop_words="english", dtype="float32").transform(texts)
        return torch.from_numpy(counted.toarray())
