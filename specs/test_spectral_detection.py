"""The projection on principal axes is a linear autoencoder at the end of its training.

**Theorem (Baldi and Hornik, Neural Networks 2, 1989; Eckart and Young 1936).** Of all maps x -> m + D E (x - m), with
an encoder E of q rows and a decoder D of q columns, none reconstructs k given vectors with a smaller squared error than
the one of their mean m and q principal axes V, D = V' and E = V. *Proof sketch.* For given m, D E has rank q at most,
and the error is that of an approximation of the centred vectors by a matrix of that rank, which is least for their
truncated singular value decomposition. So `spectral_detection` trains what its paper trains, with linear layers.

*Precondition.* The (q + 1)-th variance is less than the q-th; else the axes are not unique, and so neither is the rule.
"""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fedprop.aggregators.spectral_detection import errors, held, train


def squared_error(rows: torch.Tensor, encoder: torch.Tensor, decoder: torch.Tensor) -> float:
    away = rows - rows.mean(dim=0)
    return float((away - away @ encoder.T @ decoder.T).square().sum())


@settings(max_examples=settings.default.max_examples // 2)
@given(seed=st.integers(0, 2**16), codes=st.integers(1, 4))
def test_nothing_near_it_and_no_other_projection_does_better(seed: int, codes: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    trained = held(train(rows, codes))
    least = float(errors(rows, trained).square().sum())
    near = trained.axes + 0.01 * torch.randn(2, *trained.axes.shape, generator=generator, dtype=torch.float64)
    drawn = torch.randn(5, codes, generator=generator, dtype=torch.float64)
    for encoder, decoder in ((near[0], near[1].T), (torch.linalg.pinv(drawn), drawn)):
        assert squared_error(rows, encoder, decoder) >= least * (1 - 1e-9)


def test_descent_ends_there() -> None:
    rows = torch.randn(8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    away = rows - rows.mean(dim=0)
    encoder, decoder = (torch.full(s, 0.1, dtype=torch.float64) + 0.01 * torch.eye(*s) for s in ((2, 5), (5, 2)))
    for _ in range(3000):
        lost = away @ encoder.T @ decoder.T - away
        steps = decoder.T @ lost.T @ away, lost.T @ (away @ encoder.T)
        encoder, decoder = encoder - 0.02 * steps[0], decoder - 0.02 * steps[1]
    least = float(errors(rows, train(rows, 2)).square().sum())
    assert least * (1 - 1e-9) <= squared_error(rows, encoder, decoder) <= least * (1 + 1e-6)
