"""`fedprop export-flower`: a folder, or a sentence and exit code 2."""

from pathlib import Path

SYNCHRONOUS = ("--set", "policy={kind: synchronous, deadline: 60.0}")


def test_an_app_is_written_once(fedprop):
    code, out, err = fedprop("export-flower", "run.yaml", "app", *SYNCHRONOUS)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "app: app/pyproject.toml",
        "left out, since devices bring their own: compute, faults",
    ]
    code, _, err = fedprop("export-flower", "run.yaml", "app", *SYNCHRONOUS)
    assert code == 2
    assert "app exists already; choose another folder" in err
    assert fedprop("export-flower", "run.yaml", "app", *SYNCHRONOUS, "--overwrite")[0] == 0


def test_what_no_app_can_carry_leaves_nothing_behind(fedprop):
    code, out, err = fedprop("export-flower", "run.yaml", "app")
    assert (code, out) == (2, "")
    assert "`policy.kind` must be synchronous, since Flower's strategies work in rounds; found fedbuff" in err
    assert not Path("app").exists()
