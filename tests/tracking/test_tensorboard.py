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


def test_names_that_are_no_folders_are_spelled_out(tmp_path):
    for name in ("a: b/c", "a: b_c"):
        TensorBoard(logdir=tmp_path / "all").open(name, {}, tmp_path).end()
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["a%3A b%2Fc", "a%3A b_c"]
