"""The page on Flower: its snippets run, where Flower is installed."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "flower.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_its_snippets_run():
    pytest.importorskip("flwr", reason="needs the extra `flower`: nox -s flower")
    assert len(SNIPPETS) >= 2
    namespace = {}
    for number, code in enumerate(SNIPPETS, start=1):
        exec(compile(code, f"flower.md, snippet {number}", "exec"), namespace)
    assert namespace["strategy"].told == []
