import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedprop.errors import InvalidConfig
from fedprop.experiments.config_file import override, parse_yaml, read_mapping


def refused(function, *args):
    with pytest.raises(InvalidConfig) as caught:
        function(*args)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("-2E+3", -2000.0),
        (".5e1", 5.0),
        ("1.e2", 100.0),
        ("1.5", 1.5),
        ("12", 12),
        ("1_000", 1000),
        ("0x1F", 31),
        ("1_000.5", 1000.5),
        ("-.inf", float("-inf")),
        ("010", "010"),
        ("1:30", "1:30"),
        ("1:30.5", "1:30.5"),
        ("0", 0),
        ("-7", -7),
        ("5.", 5.0),
        ("e5", "e5"),
        ("1e", "1e"),
        ("no", False),
        ("", None),
        ("[1, {a: 2}]", [1, {"a": 2}]),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
    ],
)
def test_yaml_is_read_as_a_person_means_it(text, value):
    found = parse_yaml(text, "here")
    assert found == value
    assert type(found) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_python_prints_is_read_back(number):
    assert parse_yaml(repr(number), "here") == number


@pytest.mark.parametrize(
    "text",
    ["{", "a: b: c", "!!python/object/apply:os.system [ls]", "2020-13-45", "? [a]\n: 1", "[" * 1100, "a\x00b", "<<: 1"],
)
def test_what_is_no_plain_yaml_is_refused_in_one_line(text):
    message = refused(parse_yaml, text, "here.yaml")
    assert message.startswith("here.yaml")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "here, line 1: every key may stand once; found ['a'] twice"),
        ("x:\n  a: 1\n  a: 3\n", "here, line 2: every key may stand once; found ['a'] twice"),
    ],
)
def test_a_key_given_twice_is_refused(text, message):
    assert refused(parse_yaml, text, "here") == message


@given(st.text(max_size=60))
def test_any_text_is_data_or_refused(text):
    try:
        parse_yaml(text, "here")
    except InvalidConfig as error:
        message = str(error)
    else:
        message = "here"
    assert message.startswith("here")


def test_a_mapping_is_read_from_a_file(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("name: größer\ninner: {rate: 1e-3}\n", encoding="utf-8")
    assert read_mapping(path) == {"name": "größer", "inner": {"rate": 0.001}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n", "must hold a mapping of settings; found list"),
        (b"", "found NoneType"),
        (b"\xff\xfe\xff", "cannot read"),
    ],
)
def test_a_file_that_holds_no_mapping_is_refused(tmp_path, content, message):
    path = tmp_path / "run.yaml"
    path.write_bytes(content)
    found = refused(read_mapping, path)
    assert message in found
    assert str(path) in found


def test_a_missing_file_is_refused(tmp_path):
    assert refused(read_mapping, tmp_path / "absent.yaml").startswith("cannot read")


DATA = {"a": 1, "b": {"c": 2}, "rows": [{"x": 1}, {"x": 2}]}


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("a=5", "a", 5),
        ("a=[1, 2]", "a", [1, 2]),
        ("a=", "a", None),
        ("a=x=y", "a", "x=y"),
        ("b.c=1e-2", "b", {"c": 0.01}),
        ("b.d.e=7", "b", {"c": 2, "d": {"e": 7}}),
        ("rows.1.x=9", "rows", [{"x": 1}, {"x": 9}]),
        ("rows.0=9", "rows", [9, {"x": 2}]),
        ("new={k: v}", "new", {"k": "v"}),
        (" a =5", "a", 5),
    ],
)
def test_assignments_change_one_place_and_leave_the_data_alone(assignment, key, value):
    before = repr(DATA)
    changed = override(DATA, [assignment])
    assert changed == {**DATA, key: value}
    assert repr(DATA) == before


def test_later_assignments_win():
    assert override({}, ["a.b=1", "a.c=2", "a.b=3"]) == {"a": {"b": 3, "c": 2}}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("a", "--set needs the form a.b=VALUE; found 'a'"),
        ("=5", "--set needs the form a.b=VALUE; found '=5'"),
        ("a.b=1", "`b` cannot be set inside 1, which is no mapping"),
        ("rows.2.x=1", "`2` cannot be set inside [{'x': 1}, {'x': 2}], which is no mapping"),
        ("rows.first=1", "`first` cannot be set inside"),
        ("a={", "--set a is not valid YAML"),
    ],
)
def test_assignments_that_make_no_sense_are_refused(assignment, message):
    assert refused(override, DATA, [assignment]).startswith(message)


def page(entry, levels=12):
    """A kilobyte whose aliases stand for nine to the power of its levels."""
    lines = ["a0: &a0 {x: 1}"] + [entry(f"a{i}", f"*a{i - 1}") for i in range(1, levels)]
    return "\n".join(lines)


BOMBS = {
    "lists": page(lambda name, below: f"{name}: &{name} [{', '.join([below] * 9)}]"),
    "mappings": page(lambda name, below: f"{name}: &{name} {{{', '.join(f'k{j}: {below}' for j in range(9))}}}"),
    "merges": page(lambda name, below: f"{name}: &{name} {{<<: [{', '.join([below] * 9)}]}}"),
    "itself": "a: &a [*a]",
    "itself, merged": "a: &a {<<: *a}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_page_of_aliases_is_refused(name):
    assert len(BOMBS[name]) < 1200
    assert "must stand for at most 1,000,000 entries" in refused(parse_yaml, BOMBS[name], "here")


def test_an_alias_may_be_used_often():
    text = "a: &a [1, 2]\nb: [" + ", ".join(["*a"] * 1000) + "]"
    assert parse_yaml(text, "here")["b"] == [[1, 2]] * 1000


def test_merged_settings_yield_to_those_that_stand_there():
    text = "plain: &plain {lr: 0.1, steps: 2}\nfast: {steps: 9, <<: *plain}\nboth: {<<: [{lr: 1}, *plain]}"
    found = parse_yaml(text, "here")
    assert found["fast"] == {"lr": 0.1, "steps": 9}
    assert found["both"] == {"lr": 1, "steps": 2}


def test_many_keys_are_read():
    text = "".join(f"key{i}: {i}\n" for i in range(3000))
    assert len(parse_yaml(text, "here")) == 3000
    assert "every key may stand once; found ['key7'] twice" in refused(parse_yaml, text + "key7: 1\n", "here")


def test_a_file_larger_than_anybody_writes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("fedprop.experiments.config_file.MOST_BYTES", 10)
    (tmp_path / "run.yaml").write_text("rounds: 300000")
    assert "must have at most 10 bytes; found 14" in refused(read_mapping, tmp_path / "run.yaml")


def test_deep_nesting_is_named():
    assert refused(parse_yaml, "[" * 600, "here") == "here is not valid YAML: it is nested too deeply"
