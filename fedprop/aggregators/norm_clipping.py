"""Norm clipping: a stage that bounds how far a single row can reach."""

from typing import Literal

import torch

from fedprop.aggregators.columns import column_blocks
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.pipeline import Stage, Staged
from fedprop.types import Positive, Updates


class NormClipping(Stage):
    """Scale every row longer than `max_norm` down to that Euclidean length; leave shorter rows as they are.

    Source: Sun et al., "Can You Really Backdoor Federated Learning?", 2019, Section 4 (norm thresholding).

    >>> import torch
    >>> NormClipping(max_norm=1.0)(torch.tensor([[3.0, 4.0], [0.0, 0.5]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 0.5000]])
    """

    kind: Literal["norm_clipping"] = "norm_clipping"
    max_norm: Positive

    def apply(self, updates: Updates) -> Staged:
        norms = torch.linalg.vector_norm(updates, dim=1, dtype=torch.float64)
        factors = (self.max_norm / norms).clamp(max=1)
        blocks = [(block * factors[:, None]).to(updates.dtype) for block in column_blocks(updates)]
        return Staged(torch.cat(blocks, dim=1), factors.diag())

    def carry(self, contract: Contract) -> Contract:
        """Order and rotations do not matter to lengths; everything measured against the rows as sent is given up."""
        return Contract(
            permutation=contract.permutation,
            orthogonal=contract.orthogonal,
            linear=contract.linear,
            examples=contract.examples,
            lies_in=Region.ANYWHERE,
            ambiguous=lambda x: contract.ambiguous(self.apply(x).updates),
            precision=contract.precision,
        )
