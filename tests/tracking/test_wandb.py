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
