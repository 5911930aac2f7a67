import pytest
import torch

from fedprop.defenses.siren_plus import AlarmingClients, AlarmStatus
from fedprop.messages import Draft

GLOBAL, OWN = torch.zeros(2), torch.ones(2)


def begin(global_accuracy, own_accuracy, *, last=OWN, c_c=0.1):
    """What client 3 does if its test gives these accuracies."""

    def test(client, parameters):
        assert client == 3
        return global_accuracy if parameters is GLOBAL else own_accuracy

    return AlarmingClients(test, c_c).begin(3, GLOBAL, last)


@pytest.mark.parametrize(
    ("theirs", "own", "alarm"),
    [
        (0.9, 0.9, False),
        (0.45, 0.5, False),
        (0.4499, 0.5, True),
        (0.0, 0.0, False),
        (0.0, 0.1, True),
        (1.0, 0.1, False),
    ],
)
def test_a_client_alarms_if_the_global_model_lost_more_than_the_margin(theirs, own, alarm):
    start, (draft,), detail = begin(theirs, own)
    assert (draft.kind, draft.content) == (AlarmStatus, {"alarm": alarm})
    assert start is (OWN if alarm else GLOBAL)
    assert detail == f"global model {theirs:.4f}, own model {own:.4f}"


def test_without_a_model_or_a_test_there_is_nothing_to_compare_with():
    for beginning in (begin(0.0, 1.0, last=None), begin(None, None)):
        assert beginning == (GLOBAL, (Draft(AlarmStatus, {"alarm": False}),), "nothing to compare with")
