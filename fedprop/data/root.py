"""The server's own examples, set apart before the clients get theirs."""

from dataclasses import replace

import torch
from pydantic import PositiveInt

from fedprop.data.base import Dataset, Examples
from fedprop.errors import InvalidConfig
from fedprop.types import Frozen


class RootData(Frozen):
    """Training examples, drawn at random, that the server keeps and no client holds.

    *Source:* Guo et al. 2024 (SIREN+), section 5.1, who keep 100; Cao et al., NDSS 2021 (FLTrust), section IV, call
    them the root dataset.

    Attributes
    ----------
    size : how many examples the server keeps.
    """

    size: PositiveInt = 100

    def split(self, data: Dataset, generator: torch.Generator) -> tuple[Examples, Dataset]:
        """The server's examples, and the dataset without them.

        Raises
        ------
        InvalidConfig
            If nothing would be left for the clients.
        """
        total = len(data.train)
        if self.size >= total:
            raise InvalidConfig(
                f"`root.size` must be below the number of training examples, {total}; found {self.size}"
            )
        order = torch.randperm(total, generator=generator)
        root, rest = order[: self.size], order[self.size :].sort().values
        return data.train.at(root), replace(data, train=data.train.at(rest))
