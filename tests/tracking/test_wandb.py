import pytest

from fedprop.tracking import WandB

wandb = pytest.importorskip("wandb")
pytestmark = pytest.mark.filterwarnings("ignore")


def test_numbers_and_picture_are_in_the_files_that_would_be_sent(tracked, png, tmp_path):
    wanted = tracked(WandB(project="study"), png)
    wandb.teardown()  # until its own process has written everything
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    written = file.read_bytes()
    for name in (*wanted[0], "study", "small run", "sign_flip"):
        assert name.encode() in written, name
    (picture,) = tmp_path.glob("wandb/offline-run-*/files/media/images/pictures/dot_*.png")
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_a_run_that_is_told_again_takes_the_place_of_what_was_told_and_no_other_run_does(tmp_path):
    several = [("cell", {"rounds": 2}), ("cell", {"rounds": 3}), ("cell", {"rounds": 2, "seed": 1}), ("other", {})]
    for place, (name, config) in enumerate(several):
        track = WandB().open(name, config, tmp_path)
        track.numbers(0, {f"told{place}": 1.0})
        track.end()
    wandb.teardown()
    written = [file.read_bytes() for file in tmp_path.glob("wandb/offline-run-*/*.wandb")]
    found = [[f"told{place}".encode() in each for place in range(4)] for each in written]
    assert sorted(found) == [[False, False, False, True], [False, False, True, False], [False, True, False, False]]
