from fedprop.attacks import SignFlip
from fedprop.verify.script import obtain


def test_what_a_file_names_is_loaded():
    found = obtain(SignFlip, "my.py:Flip", {"z": 2.0})
    assert found == ("from fedprop.registry import load_target", "load_target('my.py:Flip')(z=2.0)")
    assert obtain(SignFlip(), "my.py:flip", {})[1] == "load_target('my.py:flip')"


def test_what_can_be_imported_is_imported():
    label = "fedprop.attacks.sign_flip:SignFlip"
    assert obtain(SignFlip, label, {}) == ("from fedprop.attacks.sign_flip import SignFlip", "SignFlip()")
    assert obtain(SignFlip(z=2.0), label, {"z": 2.0})[1] == "SignFlip(z=2.0)"


def test_what_cannot_be_imported_is_left_to_the_reader():
    for label in ("__main__.:local.<locals>.Flip", "no_such_module:Flip", "fedprop:NoSuchName"):
        line, made = obtain(SignFlip, label, {})
        assert line.startswith(f"# {label} cannot be imported")
        assert made.endswith("()")
