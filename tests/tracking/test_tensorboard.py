import time

import pytest

from fedprop.tracking import TensorBoard

pytest.importorskip("tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_numbers_picture_and_settings_are_there_again(tracked, png, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    wanted = tracked(TensorBoard(), png)
    (folder,) = (tmp_path / "tensorboard").iterdir()
    assert folder.name == "small run"
    found = EventAccumulator(str(folder)).Reload()
    for name in wanted[0]:
        points = {event.step: event.value for event in found.Scalars(name)}
        assert points == pytest.approx({round_: numbers[name] for round_, numbers in enumerate(wanted)}), name
    (image,) = found.Images("dot")
    assert (image.width, image.height) == (2, 1)
    text = found.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert '"kind": "sign_flip"' in text


def test_a_run_that_is_told_again_takes_the_place_of_what_was_told(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for value in (1.0, 2.0):
        track = TensorBoard().open("run", {}, tmp_path)
        track.numbers(0, {"test_accuracy": value})
        track.end()
        time.sleep(1.1)  # files are read in the order of the seconds in their names
    found = EventAccumulator(str(tmp_path / "tensorboard" / "run")).Reload()
    assert [event.value for event in found.Scalars("test_accuracy")] == [2.0]


def test_names_that_are_no_folders_are_spelled_out(tmp_path):
    for name in ("a: b/c", "a: b_c"):
        TensorBoard(logdir=tmp_path / "all").open(name, {}, tmp_path).end()
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["a%3A b%2Fc", "a%3A b_c"]
