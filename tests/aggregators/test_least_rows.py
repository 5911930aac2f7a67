"""A rule or stage takes as few rows as its sentence says."""

import re
from typing import Any

from fedprop.aggregators import AGGREGATORS, STAGES

LISTED = [*AGGREGATORS.examples(), *STAGES.examples()]
SENTENCE = re.compile(r"n (>=|>) (?:(\d+)|(\d*)(f|k|b)(?: \+ (\d+))?|theta = (\d+))(?: = \d+)?$")


def said(part: Any) -> int | None:
    """The fewest rows by the sentence, read with the part's own parameters; None for a sentence in other words."""
    read = SENTENCE.match(part.requirement())
    if read is None:
        return None
    sign, number, times, name, more, theta = read.groups()
    value = int(number or theta) if name is None else int(times or 1) * getattr(part, name) + int(more or 0)
    return max(1, value + (sign == ">"))


def test_the_fewest_rows_are_those_of_the_sentence() -> None:
    found = [(part, part.min_rows, said(part)) for part in LISTED]
    assert [(part, least, told) for part, least, told in found if told not in (None, least)] == []
    told = {part.kind for part, _, read in found if read is not None}
    assert {"krum", "bulyan", "trimmed_mean", "zeno", "density_filter", "monna", "mean"} <= told
