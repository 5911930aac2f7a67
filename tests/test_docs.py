"""The commands of the documentation run, and print what the page says."""

import contextlib
import importlib
import io
import itertools
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

import fedprop
from fedprop import Experiment, Krum
from fedprop import run as run_experiment
from fedprop.attacks import ATTACKS, BACKDOORS
from fedprop.experiments.config_file import read_mapping
from fedprop.experiments.experiment import load_experiment
from fedprop.experiments.sweep.matrix import load_sweep
from fedprop.tasks import TASKS
from fedprop.tracking import TRACKERS
from fedprop.verify import load_rule

PAGES = Path(__file__).parent.parent / "docs"
PICTURE = PAGES / "images" / "architecture.py"
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(command, folder):
    """A command line, by the interpreter that runs this test; everything it prints."""
    program, *arguments = shlex.split(command)
    module = {
        "fedprop": "from fedprop.cli import main; main()",
        "pytest": "import pytest, sys; sys.exit(pytest.main())",
    }
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}
    line = [sys.executable, "-c", module[program], *arguments]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    return done.stdout + done.stderr


def check_console(block, folder):
    output = ""
    for line in block.splitlines():
        if line.startswith("$ "):
            output = run(line[2:], folder)
        else:
            found = output.find(line)
            assert found >= 0, f"{line!r} is not in what follows:\n{output}"
            output = output[found + len(line) :]


def _numberless(text):
    """A text in which all numbers are alike."""
    return re.sub(r"\s+", " ", re.sub(r"-?\b\d+(\.\d+)?", "#", text)).strip()


def sessions_of(text):
    """The sessions of nox that a text names."""
    return {name for line in re.findall(r"nox -s ([\w. -]+)", text) for name in line.partition(" --")[0].split()}


def test_a_fresh_clone_is_tried_by_the_commands_of_the_readme():
    root = PAGES.parent
    readme, tried = ((root / name).read_text(encoding="utf-8") for name in ("README.md", ".ci/run"))
    lines = [line for line in tried.splitlines() if line.startswith("nox ")]
    assert len(lines) >= 2
    assert not [line for line in lines if f"\n{line}\n" not in readme]


def test_the_sessions_that_pages_name_are_there():
    root = PAGES.parent
    noxfile = (root / "noxfile.py").read_text(encoding="utf-8")
    defined = re.findall(r"^@nox\.session.*\ndef (\w+)", noxfile, re.MULTILINE)
    known = {*defined, "gpu-bench", "tests-3.12", "tests-3.13"}  # these have a name of their own
    pages = [*root.glob("*.md"), *root.glob("docs/*.md"), root / "tests" / "README.md", root / ".ci" / "run"]
    named = {page.relative_to(root).as_posix(): sessions_of(page.read_text(encoding="utf-8")) for page in pages}
    assert {"demo", "docs", "verify"} <= named["README.md"]
    assert {name: found - known for name, found in named.items() if found - known} == {}


def test_the_files_that_sessions_name_are_there():
    root = PAGES.parent
    noxfile = (root / "noxfile.py").read_text(encoding="utf-8")
    named = re.findall(r'"((?:tests|specs|benchmarks|docs|sims|examples)/[\w./-]+)"', noxfile)
    assert len(named) > 20
    assert [path for path in named if not (root / path).exists()] == []


@pytest.mark.slow
def test_the_page_on_privacy_does_what_it_says(tmp_path):
    shutil.copytree(PAGES.parent / "sims", tmp_path / "sims")
    blocks = [content for kind, content in BLOCK.findall((PAGES / "privacy.md").read_text(encoding="utf-8"))]
    assert len(blocks) == 2
    for content in blocks:
        check_console(content, tmp_path)


@pytest.mark.slow
def test_the_readme_shows_what_verify_finds(tmp_path):
    blocks = re.findall(r"^```\w*\n(.*?)^```$", (PAGES.parent / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    [rule] = [block for block in blocks if "def krum(" in block]
    [shown] = [block for block in blocks if block.startswith("my_rule.py:krum: ")]
    (tmp_path / "my_rule.py").write_text(rule, encoding="utf-8")
    # Which of many counterexamples is found hangs on all that Hypothesis knows of the code: its numbers may be others.
    output = _numberless(run("fedprop verify my_rule.py:krum --as krum", tmp_path))
    for line in shown.splitlines():
        assert _numberless(line) in output
    numbers = re.search(r"rows = torch\.tensor\((.*), dtype", shown)[1]
    rows, mine = (
        torch.tensor(json.loads(numbers), dtype=torch.float64),
        load_rule(f"{tmp_path / 'my_rule.py'}:krum", f=1),
    )
    told = re.search(r"print\(rule\(rows\)\)  # \[(.*)\], expected \[(.*)\]", shown)
    assert [mine(rows).item(), Krum(f=1)(rows).item()] == [float(told[1]), float(told[2])]


@pytest.mark.slow
def test_the_page_on_verify_does_what_it_says(tmp_path):
    blocks = BLOCK.findall((PAGES / "verify.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 8
    for kind, content in blocks:
        if kind == "console":
            check_console(content, tmp_path)
        else:
            name = re.match(r"# file: (\S+)\n", content)[1]
            (tmp_path / name).write_text(content, encoding="utf-8")


def test_the_page_on_python_does_what_it_says(tmp_path, monkeypatch):
    """One namespace for all snippets, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    blocks = [content for kind, content in BLOCK.findall((PAGES / "python.md").read_text(encoding="utf-8"))]
    for number, code in enumerate(blocks, start=1):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, f"python.md, snippet {number}", "exec"), namespace)
    assert namespace["short"].end.by == "watcher"
    assert namespace["outcome"].test_accuracy > 0.85
    assert len(namespace["accuracies"]) == 12
    assert 0 < namespace["worst"] <= 1
    assert set(namespace["slow"]) <= set(range(10))


def test_the_page_on_tools_names_each_tracker_and_does_what_it_says(tmp_path, monkeypatch):
    text = (PAGES / "tools.md").read_text(encoding="utf-8")
    assert [kind for kind in TRACKERS.kinds if f"| `{kind}` |" not in text] == []
    monkeypatch.chdir(tmp_path)
    live, own, plain = (code for _, code in BLOCK.findall(text))
    Path("lines.py").write_text(own, encoding="utf-8")
    # Where TensorBoard is not installed, the page's own tracker stands in for it.
    live = live.replace("from fedprop.tracking import TensorBoard", "from lines import Lines as TensorBoard")
    monkeypatch.syspath_prepend(str(tmp_path))
    namespace = {"__name__": "page"}
    exec(compile(live, "tools.md", "exec"), namespace)
    told = (tmp_path / "runs" / "tracked" / "lines.txt").read_text().splitlines()
    assert [line[:2] for line in told] == ["0:", "1:", "2:", "do"]
    exec(compile(plain, "tools.md", "exec"), namespace)
    assert namespace["settings"]["defense"]["kind"] == "krum"


def test_the_page_on_tasks_names_each_of_them_and_has_one_of_its_own(tmp_path, monkeypatch):
    """The task's file is as long as the page says, and the run that uses it comes out as it says."""
    text = (PAGES / "tasks.md").read_text(encoding="utf-8")
    assert [kind for kind in TASKS.kinds if f"| `{kind}` |" not in text] == []
    monkeypatch.chdir(tmp_path)
    task, use = (content for kind, content in BLOCK.findall(text))
    name, code = re.match(r"# file: (\S+)\n(.*)", task, re.DOTALL).groups()
    assert len([line for line in code.splitlines() if line]) <= 15
    Path(name).write_text(task, encoding="utf-8")
    namespace = {"__name__": "page"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(use, "tasks.md", "exec"), namespace)
    assert 0.8 < namespace["outcome"].test_accuracy < 1.0
    for block in re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        outcome = run_experiment(Experiment.model_validate(yaml.safe_load(block)))
        assert not any(record.failure for record in outcome.rounds)


def test_the_page_on_architecture_names_places_that_exist():
    text = (PAGES / "architecture.md").read_text(encoding="utf-8")
    places = re.findall(r"`([\w/]+)\.py:([\w.]+)`", text)
    assert len(places) > 40
    for file, name in places:
        if file == "file":  # the example of how places are written
            continue
        found = importlib.import_module(f"fedprop.{file.replace('/', '.')}")
        for part in name.split("."):
            assert hasattr(found, part), f"{file}.py has no {name}"
            found = getattr(found, part)
    drawn = {
        place for box in runpy.run_path(str(PICTURE))["BOXES"].values() for place in re.findall(r"[\w/]+\.py", box[3])
    }
    assert len(drawn) > 15
    missing = [place for place in drawn if not [*Path(fedprop.__file__).parent.rglob(place)]]
    assert not missing


def test_the_page_for_users_of_fedsecurity_does_what_it_says():
    text = (PAGES / "fedsecurity.md").read_text(encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        for kind, code in BLOCK.findall(text):
            assert kind == "python"
            exec(compile(code, "fedsecurity.md", "exec"), {})
    assert printed.getvalue() == "torch.Size([100]) 5\n"
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    whole, part = map(yaml.safe_load, blocks)
    inline = re.findall(r"`((?:attack|defense|inference): \{[^`]*\})`", text)
    spelled = [yaml.safe_load(f"{{{setting}}}") for setting in inline]
    assert len(spelled) == 9
    for settings in (part, *spelled):
        Experiment.model_validate({**whole, **settings})
    assert run_experiment(Experiment.model_validate(whole)).test_accuracy > 0.5


def test_the_page_on_backdoors_names_each_of_them_and_what_it_spells_is_an_experiment():
    text = (PAGES / "backdoors.md").read_text(encoding="utf-8")
    assert [kind for kind in BACKDOORS.kinds if f"| `{kind}` |" not in text] == []
    [block] = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    settings = {"rounds": 20, "clients": 10, **yaml.safe_load(block)}
    assert [attack.kind for attack in Experiment.model_validate(settings).attack] == ["neurotoxin", "backdoor"]
    for name in ("pixel_trigger.yaml", "rules.yaml"):
        assert f"sims/backdoors/{name}" in text
    load_experiment(PAGES.parent / "sims" / "backdoors" / "pixel_trigger.yaml")


def test_the_page_on_asynchrony_is_what_its_table_says():
    """Nothing failed, every seed came to an end, and attackers were heard wherever there were any."""
    text = (PAGES / "asynchrony.md").read_text(encoding="utf-8")
    writer = runpy.run_path(str(PAGES / "asynchrony.py"))
    assert text == writer["page"]()
    lines = writer["LINES"].values()
    assert {(line["trials"], line["failed"]) for line in lines} == {("3", "0")}
    assert {line["attack"] for line in lines if not float(line["share"])} == {"None"}
    known = {}
    for path in (PAGES.parent / "sims" / "asynchrony").glob("*.yaml"):
        axes = read_mapping(path)["axes"]
        known |= axes["attack"]
        assert {line["server"] for line in lines} >= set(axes["server"])
    assert {line["attack"] for line in lines} <= set(known)
    assert {choice["attack"]["kind"] for choice in known.values()} <= set(ATTACKS.kinds)
    [block] = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    settings = {"rounds": 20, "clients": 20, **yaml.safe_load(block)}
    assert Experiment.model_validate(settings).attack[0].speed == 4


def test_the_page_of_the_catalogue_is_what_the_registries_say():
    """After a change to a rule: `nox -s catalogue`."""
    writer = runpy.run_path(str(PAGES / "catalogue.py"))
    assert (PAGES / "catalogue.md").read_text(encoding="utf-8") == writer["page"]()
    listed = {kind for registry in writer["FAMILIES"] for kind in registry.kinds}
    assert {kind for row in writer["TABLE"] for kind in row.kinds} <= listed


def test_the_page_on_heterofl_is_what_its_round_says():
    """The round is played again: each number on the page is worked out, and each step drops somebody."""
    text = (PAGES / "heterofl.md").read_text(encoding="utf-8")
    assert text == runpy.run_path(str(PAGES / "heterofl.py"))["page"]()
    pictures = re.findall(r"\(images/(heterofl_\w+\.png)\)", text)
    assert len(pictures) == 4
    assert all((PAGES / "images" / picture).is_file() for picture in pictures)
    specs = re.findall(r"`(specs/\w+\.py|sims/\S+\.yaml)`", text)
    assert len(specs) == 3
    assert all((PAGES.parent / spec).is_file() for spec in specs)


def test_the_page_on_reproductions_is_what_its_tables_say():
    """Its numbers are worked out again, and each sweep it names can be run as it says."""
    text = (PAGES / "reproductions.md").read_text(encoding="utf-8")
    assert text == runpy.run_path(str(PAGES / "reproductions.py"))["page"]()
    commands = re.findall(r"^fedprop sweep ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    assert len(commands) > 10
    for command in commands:
        path, *options = shlex.split(command.replace("\\\n", " "), comments=True)
        sets = [value for option, value in itertools.pairwise(options) if option == "--set"]
        load_sweep(PAGES.parent / path, sets)


def test_the_page_on_reproductions_is_not_written_where_its_words_are_not_what_its_tables_say():
    told = runpy.run_path(str(PAGES / "reproductions.py"))
    section = "## Two rules\n\n| | a | b |\n|---|---|---|\n| Krum | 0.25 (0.2) | 0.100 |\n\n"
    words = (
        'Krum loses {=t1["Krum", "a"] - t1["Krum", "b"]:.2f} of {=t1["Krum", "a"]} ({=t1["Krum", "a"].paper:.1f}).\n'
    )
    assert told["_section"](section + words).endswith("Krum loses 0.15 of 0.25 (0.2).\n")
    assert told["_section"](section + '{?t1["Krum", "a"] > 0.2}\n') == section
    with pytest.raises(AssertionError, match="claims what its tables do not say"):
        told["_section"](section + '{?t1["Krum", "a"] > 0.3}\n')
