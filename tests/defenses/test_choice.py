import pytest
from pydantic import TypeAdapter, ValidationError

from fedprop.aggregators import Krum, Mean, NearestNeighbourMixing
from fedprop.defenses import PROTOCOLS, DefenseChoice, RoundProtocol, SirenPlus
from fedprop.defenses.siren_plus import ShareOfRounds

DEFENSE = TypeAdapter(DefenseChoice)


@pytest.mark.parametrize(
    ("value", "defense"),
    [
        ("mean", Mean()),
        ({"kind": "krum", "f": 2}, Krum(f=2)),
        ([{"kind": "nearest_neighbour_mixing", "f": 1}, "mean"], NearestNeighbourMixing(f=1) >> Mean()),
        ("siren_plus", SirenPlus()),
        ({"kind": "siren_plus", "award": None, "penalty": 3}, SirenPlus(award=None, penalty=3)),
        (SirenPlus(c_c=0.2), SirenPlus(c_c=0.2)),
    ],
)
def test_a_defense_is_a_rule_a_chain_or_a_protocol_and_survives_a_file(value, defense):
    assert DEFENSE.validate_python(value) == defense
    assert DEFENSE.validate_python(DEFENSE.dump_python(defense, mode="json")) == defense


def test_a_protocol_may_be_named_by_its_place_as_a_rule_may(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from fedprop.defenses import FlWbc\n\n\nclass Mine(FlWbc):\n    pass\n", encoding="utf-8")
    place = f"{path}:Mine"
    defense = DEFENSE.validate_python({"kind": place, "scale": 0.5})
    assert isinstance(defense, RoundProtocol)
    assert DEFENSE.dump_python(defense, mode="json") == {"kind": place, "scale": 0.5}


def test_an_unknown_kind_is_told_all_there_are():
    with pytest.raises(ValidationError, match=r"`kind` must be one of afa, .*krum, .*siren_plus, .*; found 'siren'"):
        DEFENSE.validate_python({"kind": "siren"})


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ({"f": 1}, "must be a mapping with a `kind`"),
        (7, "must be a mapping with a `kind`"),
        ({"kind": "siren_plus", "c_d": 1}, "c_d"),
        ([{"kind": "siren_plus"}], "`kind` must be one of"),
    ],
)
def test_what_is_no_defense_is_refused(value, rule):
    with pytest.raises(ValidationError, match=rule):
        DEFENSE.validate_python(value)


def test_a_protocol_has_no_memory_and_asks_for_nothing_unless_it_says_so():
    class Bare(RoundProtocol):
        kind: str = "bare"
        rule = property(lambda self: Mean())

        def client_side(self, test):
            raise NotImplementedError

        def screen(self, replies, memory):
            raise NotImplementedError

    bare = Bare()
    assert (bare.init(), bare.asks, bare.test_share) == (None, frozenset(), 0.0)


def test_the_schema_refers_to_nothing_that_is_not_there():
    schema = DEFENSE.json_schema()
    assert ShareOfRounds.__name__ in schema["$defs"]
    assert "siren_plus" in PROTOCOLS.kinds
