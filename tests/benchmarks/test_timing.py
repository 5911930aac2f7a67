"""Turns and ratios, by a clock that only moves when told."""

import pytest

from benchmarks.timing import in_turns, ratios, slope, spread


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def work(self, *durations):
        """A call that takes these times, one after the other."""
        left = iter(durations)

        def call():
            self.now += next(left)

        return call


def test_everybody_is_called_once_in_each_pass_in_order():
    order = []
    in_turns({name: lambda name=name: order.append(name) for name in "abc"}, passes=2)
    assert "".join(order) == "abcabc"


def test_each_call_is_charged_its_own_time():
    clock = Clock()
    found = in_turns({"a": clock.work(1, 2), "b": clock.work(10, 20)}, passes=2, clock=clock)
    assert found == {"a": [1, 2], "b": [10, 20]}


def test_what_a_device_still_has_to_do_counts():
    clock = Clock()
    found = in_turns({"a": clock.work(1)}, passes=1, settle=clock.work(5), clock=clock)
    assert found == {"a": [6]}


def test_a_ratio_is_taken_within_a_pass():
    """The second pass ran on a machine half as fast, which the ratios do not show."""
    assert ratios([3, 6, 3], [1, 2, 1]) == (3, 3, 3)


def test_a_ratio_comes_with_its_range():
    assert ratios([2, 9, 4], [1, 1, 1]) == spread([4, 2, 9]) == (4, 2, 9)


def test_passes_that_do_not_pair_up_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        ratios([1, 2], [1])


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_exponent_of_a_power_is_found(power):
    xs = [1, 10, 100]
    assert slope(xs, [3 * x**power for x in xs]) == pytest.approx(power)
