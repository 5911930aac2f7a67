from dataclasses import replace

import pytest
import torch

from fedprop.attacks import ATTACKS
from fedprop.verify.attacks.inputs import Bowls


class Moved(Bowls):
    """The workshop whose examples lie on the device."""

    def data(self, row):
        x, y = super().data(row)
        return x.cuda(), y.cuda()

    def training_gradient(self, parameters, row, generator):
        return super().training_gradient(parameters.cpu(), row, generator).cuda()


def mean(rows, f):
    weights = torch.full((len(rows),), 1 / len(rows), dtype=rows.dtype, device=rows.device)
    return rows.mean(dim=0), weights


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("attack", ATTACKS.examples(), ids=repr)
def test_rows_are_crafted_where_the_updates_are(view, attack):
    rows = torch.randn(20, 6, generator=torch.Generator().manual_seed(3)).tolist()
    here = view(rows[:5], rows[5:], assumed=mean)
    there = replace(
        here,
        own=here.own.cuda(),
        benign=here.benign.cuda(),
        origin=here.origin.cuda(),
        past=here.past.cuda(),
        generator=torch.Generator().manual_seed(0),
        workshop=Moved(),
    )
    crafted = attack.answer(there).rows
    assert crafted.is_cuda
    assert torch.allclose(crafted.cpu(), attack.answer(here).rows, rtol=1e-9)
