from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fedprop.aggregators import (
    AGGREGATORS,
    POSTPROCESSORS,
    STAGES,
    Median,
    NormClipping,
    SafetensorsRows,
    TrimmedMean,
    self_contained,
)
from fedprop.aggregators.columns import blocks_of
from fedprop.errors import InvalidUpdates

ROWS = torch.randn(12, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
RULES = [
    *map(self_contained, AGGREGATORS.examples()),
    *(self_contained(stage >> Median()) for stage in STAGES.examples()),
    *(self_contained(Median() >> after) for after in POSTPROCESSORS.examples()),
    NormClipping(max_norm=3.0) >> TrimmedMean(f=2),
]


def models(folder: Path, rows: torch.Tensor) -> list[Path]:
    """One file per row: a model of two tensors, which safetensors lays down in the order of their names."""
    paths = [folder / f"{i}.safetensors" for i in range(len(rows))]
    for row, path in zip(rows, paths, strict=True):
        save_file({"bias": row[:4].clone(), "weight": row[4:].reshape(5, -1).clone()}, path)
    return paths


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_on_disk_have_the_answer_of_rows_in_memory(dtype: torch.dtype, tmp_path: Path) -> None:
    rows, unlike = ROWS.to(dtype), []
    paths = models(tmp_path, rows)
    for rule in RULES:
        expected = rule.aggregate(rows)
        with blocks_of(96):
            found = rule.aggregate(SafetensorsRows(paths))
            alone = rule(SafetensorsRows(paths))
        close = torch.allclose(found.value, expected.value) and torch.allclose(found.weights, expected.weights)
        if not (close and found.value.dtype == dtype and torch.equal(alone, found.value)):
            unlike.append(rule)
    assert unlike == []


def test_an_answer_has_the_names_and_shapes_of_the_files(tmp_path: Path) -> None:
    source = SafetensorsRows(models(tmp_path, ROWS))
    tensors = source.tensors(Median()(source))
    assert {name: tensor.shape for name, tensor in tensors.items()} == {"bias": (4,), "weight": (5, 4)}
    assert torch.equal(tensors["bias"], Median()(ROWS)[:4])


def test_a_named_tensor_may_hold_one_row_or_many(tmp_path: Path) -> None:
    save_file({"updates": ROWS[:8], "step": torch.zeros(1, dtype=torch.int64)}, tmp_path / "many")
    save_file({"updates": ROWS[8].clone()}, tmp_path / "one")
    source = SafetensorsRows([tmp_path / "many", tmp_path / "one"], name="updates")
    assert source.shape == (9, 24)
    assert torch.equal(source.read(3, 20), ROWS[:9, 3:20])
    assert torch.equal(source.take(torch.tensor([8, 2])).read(0, 24), ROWS[[8, 2]])


def test_the_same_file_twice_is_two_rows(tmp_path: Path) -> None:
    [path] = models(tmp_path, ROWS[:1])
    assert len(SafetensorsRows([path, str(path)])) == 2


def test_nothing_is_no_rows() -> None:
    with pytest.raises(InvalidUpdates, match="`paths` must name at least one file; found none"):
        SafetensorsRows([])


def test_what_a_file_says_of_itself_is_cut_short(tmp_path: Path) -> None:
    header = b'{"a": {"dtype": "' + b"Q" * 10_000 + b'", "shape": [0], "data_offsets": [0, 0]}}'
    (tmp_path / "strange").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(InvalidUpdates, match="strange must be a safetensors file; ") as refusal:
        SafetensorsRows([tmp_path / "strange"])
    assert len(str(refusal.value)) < 500 + len(str(tmp_path))


def test_files_that_are_no_rows_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    save_file({"a": torch.zeros(2, dtype=torch.int64)}, tmp_path / "integers")
    save_file({"a": torch.zeros(2), "b": torch.zeros(2).double()}, tmp_path / "mixed")
    save_file({"a": torch.zeros(2, dtype=torch.bfloat16)}, tmp_path / "half")
    save_file({"a": torch.zeros(0)}, tmp_path / "empty")
    save_file({"a": torch.zeros(1, 2, 3)}, tmp_path / "cube")
    for file, name, message in (
        ("absent", None, "absent must be a safetensors file; "),
        ("text", None, "text must be a safetensors file; "),
        ("integers", None, "integers must hold float32 or float64 alone, .*; found I64"),
        ("half", None, r"half must hold float32 or float64 alone, as tensor.float\(\) is; found BF16"),
        ("mixed", None, "mixed must hold float32 or float64 alone, .*; found F32, F64"),
        ("empty", None, "empty must hold numbers; found none"),
        ("mixed", "c", "mixed must hold 'c'; found none"),
        ("cube", "a", r"'a' must have shape \[d\] or \[k, d\] in .*cube; found \[1, 2, 3\]"),
    ):
        with pytest.raises(InvalidUpdates, match=message):
            SafetensorsRows([tmp_path / file], name=name)


def test_files_with_other_tensors_than_the_first_are_refused(tmp_path: Path) -> None:
    [first] = models(tmp_path, ROWS[:1])
    save_file({"bias": ROWS[0, :4].clone(), "weight": ROWS[0, 4:].clone()}, tmp_path / "flat")
    with pytest.raises(InvalidUpdates, match=r"flat must hold the same tensors as .*0.safetensors, in the same order"):
        SafetensorsRows([first, tmp_path / "flat"])


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_numbers_that_are_not_finite_are_refused_as_they_are_read(bad: float, tmp_path: Path) -> None:
    rows = ROWS.clone()
    rows[4, 20] = bad
    source = SafetensorsRows(models(tmp_path, rows))
    assert source.read(0, 20).isfinite().all()
    with pytest.raises(InvalidUpdates, match=r"`updates` must be finite; found NaN or infinity in .*4.safetensors"):
        Median()(source)


def test_finite_numbers_whose_sum_overflows_are_read(tmp_path: Path) -> None:
    save_file({"a": torch.full((1, 3), 3e38)}, tmp_path / "large")
    assert Median()(SafetensorsRows([tmp_path / "large"], name="a")).tolist() == torch.full((3,), 3e38).tolist()


def test_a_file_cut_short_after_it_was_opened(tmp_path: Path) -> None:
    [path] = models(tmp_path, ROWS[:1])
    source = SafetensorsRows([path])
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InvalidUpdates, match=r"0.safetensors must not change while it is read; it ended early"):
        source.read(0, 24)


def test_rules_refuse_a_source_as_they_refuse_a_tensor(tmp_path: Path) -> None:
    source = SafetensorsRows(models(tmp_path, ROWS[:3]))
    with pytest.raises(InvalidUpdates, match=r"`f` must satisfy n >= 2f \+ 1 for TrimmedMean; found n=3, f=2"):
        TrimmedMean(f=2)(source)
