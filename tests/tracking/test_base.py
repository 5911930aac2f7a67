import pytest

from fedprop.errors import InvalidConfig
from fedprop.tracking import TRACKERS
from fedprop.tracking.base import flat


def test_settings_by_their_paths():
    config = {"a": 1, "b": {"c": [2, {"d": 3}]}, "e": {}, "f": []}
    assert flat(config) == {"a": 1, "b.c.0": 2, "b.c.1.d": 3, "e": {}, "f": []}


@pytest.mark.parametrize("kind", TRACKERS.kinds)
def test_what_is_not_installed_is_told_with_the_command_that_installs_it(kind, monkeypatch):
    monkeypatch.setattr("fedprop.tracking.base.find_spec", lambda name: None)
    with pytest.raises(InvalidConfig, match=rf"tracker {kind} needs .* pip install 'fedprop\[\w+\]'"):
        TRACKERS.parse(kind).check()
