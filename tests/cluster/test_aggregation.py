"""Passes over rows on disk by actors: every rule answers as it does without them."""

import os
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fedprop.aggregators import AGGREGATORS, STAGES, CoordinateRule, Krum, Median, SafetensorsRows, self_contained
from fedprop.aggregators.columns import blocks_of, map_blocks, passes_by
from fedprop.aggregators.inner_products import inner_products
from fedprop.aggregators.on_ray import passes_on_ray
from fedprop.errors import InvalidUpdates

PAGE = Path(__file__).parents[2] / "docs" / "ray.md"
ROWS = torch.randn(12, 400, generator=torch.Generator().manual_seed(0))
RULES = [
    *map(self_contained, AGGREGATORS.examples()),
    *(self_contained(stage >> Median()) for stage in STAGES.examples()),
]
TOLD = {"rtol": 1e-6, "atol": 1e-7}


@pytest.fixture
def rows(cluster, ray, tmp_path):
    paths = [tmp_path / f"{i}.safetensors" for i in range(len(ROWS))]
    for row, path in zip(ROWS, paths, strict=True):
        save_file({"a": row.clone()}, path)
    return SafetensorsRows(paths)


def test_every_rule_answers_as_without_actors_and_coordinates_to_the_bit(rows):
    wrong = []
    with passes_on_ray():
        for rule in RULES:
            try:
                with blocks_of(96):
                    found = rule.aggregate(rows)
            except Exception as error:
                wrong.append(f"{rule}: {error!r}")
                continue
            with passes_by(None), blocks_of(96):
                here = rule.aggregate(rows)
            same = torch.equal if isinstance(rule, CoordinateRule) else lambda a, b: torch.allclose(a, b, **TOLD)
            if not (same(found.value, here.value) and torch.allclose(found.weights, here.weights, **TOLD)):
                wrong.append(f"{rule}: another answer")
    assert wrong == []


def test_inner_products_do_not_depend_on_the_number_of_actors(rows):
    found = []
    for actors in (1, 2):
        with passes_on_ray(actors), blocks_of(24):
            found.append(inner_products(rows))
    assert torch.equal(*found)


def test_the_snippet_of_the_page(rows, monkeypatch):
    [code] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    namespace = {}
    exec(compile(code, "ray.md", "exec"), namespace)
    assert torch.equal(namespace["aggregate"]([path.path for path in rows._rows]), Krum(f=2)(rows))


def pid(block):
    return os.getpid()


def test_it_is_the_actors_who_read_and_what_they_refuse_is_refused(rows, tmp_path):
    with passes_on_ray(), blocks_of(96):
        assert os.getpid() not in set(map_blocks(pid, rows))
        assert set(map_blocks(pid, ROWS)) == {os.getpid()}
        Path(tmp_path / "3.safetensors").write_bytes(b"")
        with pytest.raises(InvalidUpdates, match=r"3.safetensors must not change while it is read"):
            Median()(rows)
    assert set(map_blocks(pid, ROWS)) == {os.getpid()}
