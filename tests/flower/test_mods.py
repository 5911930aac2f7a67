"""An attack and a check as client mods, around a client that learns one step."""

import numpy as np
import pytest

from fedprop.aggregators import Krum
from fedprop.attacks import ATTACKS, FreeRider, Late, Replay, SignFlip, WeightAttack
from fedprop.errors import InvalidConfig
from fedprop.flower import attack_mod, check_mod


@pytest.fixture(autouse=True)
def flower():
    pytest.importorskip("flwr", reason="needs the extra `flower`: nox -s flower")


def context():
    from flwr.app import Context, RecordDict

    return Context(1, 7, {}, RecordDict(), {})


def task(values, round=1, kind="train"):
    from flwr.app import Array, ArrayRecord, ConfigRecord, Message, Metadata, RecordDict

    arrays = ArrayRecord({"w": Array(np.array(values, dtype=np.float32))})
    content = RecordDict({"arrays": arrays, "config": ConfigRecord({"server-round": round})})
    return Message(content, metadata=Metadata(1, "m", 0, 7, "", "", 0.0, 1e12, kind))


def client(step, examples=3):
    """Whose model is the one received plus a step."""
    from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict

    def reply(message, _):
        model = message.content["arrays"]["w"].numpy() + np.array(step, dtype=np.float32)
        metrics = MetricRecord({"num-examples": examples, "loss": 0.5})
        return Message(RecordDict({"arrays": ArrayRecord({"w": Array(model)}), "metrics": metrics}), reply_to=message)

    return reply


def sent(mod, message, where, step=(1.0, 2.0)):
    reply = mod(message, where, client(step))
    return reply.content["arrays"]["w"].numpy().tolist()


def test_an_attack_answers_for_an_honest_client_in_its_rounds():
    mod = attack_mod(SignFlip(z=4.0, rounds={"start": 1}), received=10)
    assert sent(mod, task([1.0, 1.0], round=1), context()) == [2.0, 3.0]
    assert sent(mod, task([1.0, 1.0], round=2), context()) == [-3.0, -7.0]
    assert sent(mod, task([1.0, 1.0], round=2, kind="evaluate"), context()) == [2.0, 3.0]


def test_what_an_attack_looks_back_at_and_remembers_stays_with_the_node():
    """A free rider sends how the model changed, a replay what it learnt two tasks ago."""
    mod, here, elsewhere = attack_mod(FreeRider(), received=4), context(), context()
    assert sent(mod, task([1.0, 1.0], round=1), here) == [1.0, 1.0]
    assert sent(mod, task([4.0, 2.0], round=2), here) == [7.0, 3.0]
    assert sent(mod, task([4.0, 2.0], round=2), elsewhere) == [4.0, 2.0]
    mod, here = attack_mod(Replay(age=1), received=4), context()
    assert sent(mod, task([0.0, 0.0], round=1), here, step=[1.0, 2.0]) == [1.0, 2.0]
    assert sent(mod, task([0.0, 0.0], round=2), here, step=[5.0, 5.0]) == [1.0, 2.0]
    assert sent(mod, task([0.0, 0.0], round=3), here, step=[0.0, 0.0]) == [5.0, 5.0]


def test_claims_lateness_and_silence(monkeypatch):
    slept = []
    monkeypatch.setattr("fedprop.flower.mods.time.sleep", slept.append)
    reply = attack_mod(WeightAttack.examples()[0], received=4)(task([0.0, 0.0]), context(), client([1.0, 1.0]))
    assert reply.content["metrics"]["num-examples"] > 3
    assert reply.content["metrics"]["loss"] == 0.5
    sent(attack_mod(Late(seconds=2.5), received=4), task([0.0, 0.0]), context())
    assert slept[-1] == 2.5
    silent = attack_mod(Late(seconds=None), received=4)(task([0.0, 0.0]), context(), client([1.0, 1.0]))
    assert silent.error.reason == "the client keeps silent"


def test_every_attack_answers_with_a_model_or_is_refused_in_a_sentence():
    refused = {}
    for attack in ATTACKS.examples():
        try:
            mod = attack_mod(attack, received=10, defense=Krum(f=2))
        except InvalidConfig as error:
            refused[attack.kind] = str(error)
            continue
        here = context()
        for round in (1, 2):
            reply = mod(task([1.0, -1.0], round=round), here, client([0.5, 0.25]))
            assert reply.has_error() or check_mod(task([1.0, -1.0]), here, lambda *_, reply=reply: reply) is reply
    assert {"label_flip", "model_replacement", "mimic"} <= refused.keys()
    assert not {"sign_flip", "mpaf", "replay"} & refused.keys()
    start = "`attack` must work on a client's own update in attack_mod; found "
    assert [kind for kind, told in refused.items() if not told.startswith(start)] == []


def test_a_check_lets_good_models_through_and_holds_others_back():
    def held(message, then):
        reply = check_mod(message, context(), then)
        return reply.error.reason if reply.has_error() else None

    nan, good = float("nan"), client([1.0, 1.0])
    assert held(task([0.0, 0.0]), good) is None
    assert held(task([0.0, nan]), good) == "the message is refused: NaN or infinity"
    assert "must have arrays" in held(task([]), good)
    assert held(task([0.0, 0.0]), client([nan, 1.0])) == "the reply is held back: NaN or infinity"
    assert held(task([0.0, 0.0]), client([[1.0, 1.0]])) == "the reply is held back: wrong shape"
    assert (
        held(task([0.0, 0.0]), client([1.0, 1.0], examples=0)) == "the reply is held back: invalid number of examples"
    )
    assert held(task([0.0, 0.0], kind="evaluate"), client([nan, 1.0])) is None
