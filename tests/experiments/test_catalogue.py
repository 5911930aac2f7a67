import pytest

from fedprop.aggregators import Krum
from fedprop.distributions import Constant
from fedprop.errors import InvalidConfig
from fedprop.experiments.catalogue import families, find, kinds
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.sweep import Sweep
from fedprop.privacy import LocalPrivacy
from fedprop.settings import parts_of, settings_of
from fedprop.simulation.optimizers import FedYogi
from fedprop.simulation.policies import FedAsync, FedBuff, Synchronous
from fedprop.simulation.staleness import ConstantStaleness
from fedprop.training import LocalTraining


def test_registries_and_unions_are_listed_alike():
    assert kinds("aggregators")["krum"] is Krum
    assert kinds("optimizers")["fedyogi"] is FedYogi
    assert kinds("policies") == {"synchronous": Synchronous, "fedbuff": FedBuff, "fedasync": FedAsync}


def test_there_is_no_other_family():
    with pytest.raises(KeyError):
        kinds("ducks")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("krum", {"aggregators": Krum}),
        ("constant", {"distributions": Constant, "stalenesses": ConstantStaleness}),
        ("training", {"settings": LocalTraining}),
        ("LocalPrivacy", {"settings": LocalPrivacy}),
        ("experiment", {"a file": Experiment}),
        ("fedprop.aggregators:Krum", {"by place": Krum}),
    ],
)
def test_a_name_stands_for_a_kind_a_setting_a_file_or_a_class(name, found):
    assert find(name) == found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("krumm", "'krumm' is not one of the families (aggregators, .*did you mean krum?"),
        ("agregators", "; did you mean aggregators?"),
        ("trainig", "; did you mean training?"),
        ("ducks", "no kind or setting either"),
        ("json:dumps", "'json:dumps' is not one of the families"),
        ("nowhere.py:Rule", "there is no file nowhere.py"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused(name, message):
    with pytest.raises(InvalidConfig, match=message.replace("(", r"\(").replace("?", r"\?")):
        find(name)


def listed():
    classes = {cls for family in families().values() for cls in family.values()} | {Experiment, Sweep}
    return sorted(classes | {part for cls in classes for part in parts_of(cls)}, key=lambda cls: cls.__name__)


@pytest.mark.parametrize("cls", listed(), ids=lambda cls: cls.__name__)
def test_every_setting_is_explained(cls):
    """By a line in the `Attributes` section of its class's docstring."""
    assert [setting.name for setting in settings_of(cls) if not setting.meaning] == []
    assert all(setting.type != "anything" for setting in settings_of(cls))
