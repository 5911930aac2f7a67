"""Environments for the peers: made once, and never by halves."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.peers_speed import install
from benchmarks.peers_speed.install import RECIPES, Recipe, main, make
from benchmarks.rounds import SCRIPTS, TRAINERS


@pytest.fixture
def pip(monkeypatch):
    """Pretends to install; `codes` are the exit codes to give, `asked` what was asked for."""
    state = SimpleNamespace(codes=[], asked=[])

    def run(command, check):
        state.asked.append(command[command.index("install") + 2 :])
        return SimpleNamespace(returncode=state.codes.pop(0) if state.codes else 0)

    monkeypatch.setattr(install.venv, "create", lambda folder, with_pip: folder.mkdir(parents=True))
    monkeypatch.setattr(install.subprocess, "run", run)
    return state


def test_torch_comes_first_and_with_its_pin(pip, tmp_path):
    make(Recipe("x", True, ("a", "b"), ("c",)), tmp_path / "x")
    assert pip.asked == [["-c", str(install.CONSTRAINTS), "torch", "numpy"], ["a", "b"], ["--no-deps", "c"]]
    assert install.CONSTRAINTS.is_file()


def test_what_fails_is_reported_and_removed(pip, tmp_path, capsys):
    pip.codes = [0, 1]
    make(Recipe("x", True, ("a",), ("c",)), tmp_path / "x")
    assert not (tmp_path / "x").exists()
    assert "x cannot be installed" in capsys.readouterr().err
    assert len(pip.asked) == 2


def test_what_is_there_is_kept(pip, tmp_path):
    (tmp_path / "x").mkdir()
    make(Recipe("x", True), tmp_path / "x")
    assert pip.asked == []


def test_only_the_wanted_are_made(pip, tmp_path):
    main([str(tmp_path), "fedjax"])
    assert [path.name for path in tmp_path.iterdir()] == ["fedjax"]


def test_every_trainer_has_its_script_and_its_recipe():
    assert all(Path(SCRIPTS, f"{trainer.script}.py").is_file() for trainer in TRAINERS)
    assert {t.environment for t in TRAINERS} - {None} == {recipe.name for recipe in RECIPES}
