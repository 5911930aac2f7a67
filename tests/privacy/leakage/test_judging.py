import pytest
import torch

from fedprop.privacy.leakage.judging import HIGHEST, Bounds, judge, label_recall


def test_an_error_of_a_tenth_of_the_range_is_20_decibels():
    originals = torch.full((1, 1, 6, 6), 0.5)
    assert judge(originals, originals + 0.1, Bounds(0, 1)).psnr == pytest.approx([20.0], abs=1e-4)
    assert judge(10 * originals, 10 * originals - 1, Bounds(0, 10)).psnr == pytest.approx([20.0], abs=1e-4)


def test_candidates_are_cut_to_the_range_and_each_has_an_original_of_its_own():
    """The second candidate is nearest to the first original, which the first one needs more."""
    originals = torch.tensor([[0.0], [1.0], [0.5]])
    judged = judge(originals, torch.tensor([[-7.0], [0.2]]), Bounds(0, 1))
    assert judged.originals.tolist() == [[0.0], [0.5]]
    assert judged.reconstructions.tolist() == [[0.0], [pytest.approx(0.2)]]
    assert judged.psnr[0] == HIGHEST
    assert judged.psnr[1] == pytest.approx(10.4576, abs=1e-3)  # -10 log10 0.09
    assert judged.ssim == ()


def test_similarity_is_1_for_the_same_picture_and_falls_with_structure():
    pictures = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert judge(pictures, pictures, Bounds(0, 1)).ssim == pytest.approx([1.0, 1.0])
    assert max(judge(pictures, 1 - pictures, Bounds(0, 1)).ssim) < 0


def test_similarity_is_that_of_the_formula():
    """Of flat pictures of 0.5 and 0.6 only the means matter: (2 m n + C) / (m^2 + n^2 + C), C = 0.01^2."""
    flat = torch.full((1, 1, 12, 12), 0.5)
    wanted = (2 * 0.5 * 0.6 + 1e-4) / (0.25 + 0.36 + 1e-4)
    assert judge(flat, flat + 0.1, Bounds(0, 1)).ssim == pytest.approx([wanted], abs=1e-3)


def test_what_fell_apart_is_judged_as_what_it_shows():
    judged = judge(torch.ones(1, 1), torch.tensor([[float("nan")]]), Bounds(0, 1))
    assert judged.psnr == (0.0,)


def test_a_label_counts_as_often_as_it_is_there():
    assert label_recall(torch.tensor([3, 3, 3, 1]), torch.tensor([3, 3, 0, 1])) == 0.75
