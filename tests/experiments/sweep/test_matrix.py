import re

import pytest
import yaml
from pydantic import ValidationError

from fedprop.aggregators import AGGREGATORS
from fedprop.defenses import PROTOCOLS
from fedprop.errors import InvalidConfig
from fedprop.experiments.experiment import load_experiment
from fedprop.experiments.sweep import Place, Sweep, cells, load_sweep, over_seeds

RULES = ", ".join([*AGGREGATORS.kinds, *PROTOCOLS.kinds])


def test_cells_are_all_combinations_in_the_order_of_the_axes(small):
    made = cells(small(seeds=[3, 5]))
    assert [(cell.labels, cell.seed) for cell in made] == [
        (labels, seed)
        for labels in [("Mean", "Nobody"), ("Mean", "Matched"), ("Krum 1", "Nobody"), ("Krum 1", "Matched")]
        for seed in (3, 5)
    ]
    assert (made[0].slug, made[0].label, made[0].name) == ("mean-nobody-seed3", "Mean, Nobody", "Mean, Nobody, seed 3")
    assert {cell.experiment.name for cell in made} == {"small"}
    assert [cell.experiment.seed for cell in made[:2]] == [3, 5]


def test_a_choice_may_depend_on_an_earlier_one(small):
    mean, krum = (cell.experiment for cell in cells(small()) if cell.labels[1] == "Matched")
    assert (mean.attack[0].kind, mean.rounds) == ("sign_flip", 2)
    assert (krum.attack[0].kind, krum.rounds) == ("fang_krum", 1)


def test_a_choice_sets_paths(small, axes):
    axes = {**axes, "pace": {"slow": {"compute.time": 9.0, "training.lr": 0.5}}}
    assert {cell.experiment.training.lr for cell in cells(small(axes=axes))} == {0.5}
    assert {cell.experiment.compute.time.value for cell in cells(small(axes=axes))} == {9.0}


def test_a_choice_that_lacks_an_entry_is_refused(small, axes):
    lacking = {**axes, "attack": {"Matched": {"per": "rule", "Mean": {}}}}
    with pytest.raises(InvalidConfig, match=r"`axes.attack.Matched.per`: needs an entry for 'Krum 1'; found none"):
        cells(small(axes=lacking))


CONDITIONS = {
    "no axis": (
        {"per": "weather"},
        "attack.Matched.per`: needs an entry for 'weather' among the other axes, rule",
    ),
    "its own axis": ({"per": "attack"}, "needs an entry for 'attack' among the other axes, rule; found none"),
    "nearly an axis": ({"per": "rules"}, "found none; did you mean rule?"),
    "a mapping": ({"per": {}}, "needs an entry for {} among the other axes, rule; found none"),
    "nothing": ({"per": None}, "needs an entry for None among"),
    "a bare kind": (
        {"per": "rule", "Mean": "sign_flip", "Krum 1": {}},
        "attack.Matched.Mean` must be a mapping of",
    ),
    "no names": ({"per": "rule", "Mean": {3: 4}, "Krum 1": {}}, "must be a mapping of settings; found {3: 4}"),
    "no choice": ({"per": "rule", "Mean": {}, "Krum 1": {}, "Krum 2": {}}, "found 'Krum 2'; did you mean Krum 1?"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_that_cannot_be_is_refused(small, axes, name):
    choice, sentence = CONDITIONS[name]
    with pytest.raises(InvalidConfig, match=re.escape(sentence)):
        cells(small(axes={**axes, "attack": {"Matched": choice}}))


def test_every_mistake_in_the_cells_is_told_once(small, base):
    axes = {
        "rule": {"Mean": {"defense.kind": "maen"}, "Krum": {"defense": {"kind": "krum", "f": -1}}},
        "attack": {"Nobody": {}, "Everybody": {"attack": {"kind": "sign_flip", "share": 1.0}}},
    }
    with pytest.raises(InvalidConfig) as caught:
        cells(small(axes=axes, base={**base, "rounds": 0}, seeds=[0, 1, 2]))
    assert [line.partition(": ")[::2] for line in str(caught.value).splitlines()] == [
        ("cell Mean / Nobody", "`rounds` must be greater than 0; found 0"),
        ("cell Mean / Nobody", f"`defense`: `kind` must be one of {RULES}; found 'maen'; did you mean mean?"),
        ("cell Mean / Everybody", "`attack.share` must be less than 1; found 1.0"),
        ("cell Krum / Nobody", "`defense.f` must be greater than or equal to 0; found -1"),
    ]


def test_a_sweep_made_without_a_check_is_checked(base, axes):
    with pytest.raises(InvalidConfig, match="`sweep` must be an object of class Sweep"):
        cells({"axes": {}})
    with pytest.raises(InvalidConfig, match=r"`seeds.0` must be greater than or equal to 0; found -1"):
        cells(Sweep.model_construct(name="x", base=base, axes=axes, seeds=(-1,)))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"axes": {"pace": {}}}, "`axes.pace` must have at least one choice; found none"),
        ({"seeds": []}, "at least 1 item"),
        ({"seeds": [-1]}, "greater than or equal to 0"),
        ({"seeds": "5..1"}, "a range of seeds must ascend, by less than 20,000; found 5..1"),
        ({"seeds": "0..99999999"}, "by less than 20,000; found 0..99999999"),
        ({"seeds": "1.."}, "valid tuple"),
        ({"paper": {"values": {"Krum": 3}}}, "valid dictionary"),
        ({"paper": {"values": {"Krum": {}}}}, "`paper.values.Krum` must be a choice of the first axis; .* mean Krum 1"),
        ({"paper": {"values": {"Mean": {"Noboby": 1}}}}, "must be a choice of the second axis; .* did you mean Nobody"),
        (
            {"axes": {"rule": {"Mean": {}}}, "paper": {"values": {"Mean": {"a": 1}}}},
            "must be left out without rows and columns; found 1",
        ),
        ({"axes": {"pace": {"slow": {"seed": 3}}}}, "the sweep itself says `name` and `seeds`; found 3"),
        ({"seeds": range(5001)}, "must make at most 20,000 cells; found 20,004"),
    ],
)
def test_mistakes_in_a_sweep(small, settings, sentence):
    with pytest.raises(ValidationError, match=sentence):
        small(**settings)


def test_seeds_may_be_a_range(small):
    assert small(seeds="1..5").seeds == (1, 2, 3, 4, 5)
    assert small(seeds="7..7").seeds == small(seeds=7).seeds == small(seeds=[7]).seeds == (7,)


def test_one_experiment_under_several_seeds(base):
    made = cells(over_seeds(base, "mine", "1..3"))
    assert [(cell.labels, cell.seed, cell.slug, cell.label) for cell in made] == [
        ((), seed, f"seed{seed}", f"seed {seed}") for seed in (1, 2, 3)
    ]
    assert {cell.experiment.name for cell in made} == {"mine"}
    with pytest.raises(InvalidConfig, match=r"--seeds: `seeds`: .*found 3\.\.1"):
        over_seeds(base, "mine", "3..1")


def test_a_cell_that_makes_no_experiment_is_named(small, axes):
    axes = {**axes, "rule": {"Krum": {"defense": {"kind": "krum", "f": 4}}}, "attack": {"Nobody": {}}}
    with pytest.raises(InvalidConfig, match=r"cell Krum / Nobody: `defense`: Krum needs n >= 2f \+ 3"):
        cells(small(axes=axes))


@pytest.mark.parametrize("labels", [("A b", "a-B"), ("é", "ü")])
def test_cells_must_have_folders_of_their_own(small, labels):
    axes = {"rule": {label: {} for label in labels}, "attack": {"Nobody": {}}}
    with pytest.raises(InvalidConfig, match="must name every cell's folder uniquely; found 2 cells"):
        cells(small(axes=axes))
    with pytest.raises(InvalidConfig, match="uniquely"):
        cells(small(seeds=[1, 1]))


@pytest.mark.parametrize("labels", [("..", "/etc/passwd"), ("a" * 400, "b"), ("\0", "$x"), (".", "")])
def test_a_folder_has_one_short_part_whatever_the_labels_are(labels):
    slug = Place(labels, 0).slug
    assert "/" not in slug
    assert slug.strip(".")
    assert len(slug) <= 160
    assert slug != Place((*labels[:-1], labels[-1] + "c"), 0).slug


def test_a_file_with_its_base_beside_it(tmp_path, base, axes):
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base))
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({"base": "base.yaml", "axes": axes}, sort_keys=False))
    loaded = load_sweep(tmp_path / "sweep.yaml", ["seeds=7..8", "axes.attack.Nobody={rounds: 5}"])
    assert loaded.base == base
    assert loaded.seeds == (7, 8)
    assert cells(loaded)[0].experiment.rounds == 5
    changed = load_sweep(tmp_path / "sweep.yaml", ["base.rounds=7", "base.training.lr=0.5"])
    assert changed.base == {**base, "rounds": 7, "training": {"lr": 0.5}}
    with pytest.raises(InvalidConfig, match=r"cannot read .*nowhere.yaml"):
        load_sweep(tmp_path / "sweep.yaml", ["base=nowhere.yaml"])
    with pytest.raises(InvalidConfig, match="cell Mean / Nobody: `clients`"):
        load_sweep(tmp_path / "sweep.yaml", ["base={rounds: 1, clients: 0}"])
    with pytest.raises(InvalidConfig, match="`axes` must have at least one axis; found none"):
        load_sweep(tmp_path / "sweep.yaml", ["axes={}"])


def test_a_file_of_the_other_sort_names_the_other_command(tmp_path, base, axes):
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(base))
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump({"base": base, "axes": axes}))
    with pytest.raises(InvalidConfig, match=r"run.yaml holds a single experiment: `fedprop run` runs it"):
        load_sweep(tmp_path / "run.yaml")
    with pytest.raises(InvalidConfig, match=r"sweep.yaml holds a sweep: `fedprop sweep` runs it"):
        load_experiment(tmp_path / "sweep.yaml")


def test_a_measure_of_a_metric_needs_the_metric(small, base):
    with pytest.raises(InvalidConfig, match="`measures`: lowest_f1 needs f1 among the `metrics` of the cells"):
        cells(small(measures=["test_error", "lowest_f1"]))
    assert cells(small(measures=["lowest_f1"], base={**base, "metrics": "f1"}))
