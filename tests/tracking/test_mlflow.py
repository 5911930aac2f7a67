import pytest

from fedprop.tracking import MLflow

mlflow = pytest.importorskip("mlflow")
pytestmark = pytest.mark.filterwarnings("ignore")  # its own dependencies warn of each other


def test_numbers_picture_and_settings_are_there_again(tracked, png, tmp_path):
    wanted = tracked(MLflow(experiment="study"), png)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("study").experiment_id])
    assert (run.info.run_name, run.info.status) == ("small run", "FINISHED")
    assert run.data.params["attack.0.kind"] == "sign_flip"
    for name in wanted[0]:
        points = {metric.step: metric.value for metric in client.get_metric_history(run.info.run_id, name)}
        assert points == {round_: numbers[name] for round_, numbers in enumerate(wanted)}, name
    (picture,) = client.list_artifacts(run.info.run_id, "pictures")
    assert (picture.path, picture.file_size) == ("pictures/dot.png", len(png))


def test_a_run_that_failed_is_marked_so_and_further_runs_join_their_experiment(tmp_path):
    tracker = MLflow()
    tracker.open("first", {}, tmp_path).end("the disk is full")
    tracker.open("second", {}, tmp_path).end()
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("fedprop").experiment_id], order_by=["start_time"])
    assert [run.info.status for run in runs] == ["FAILED", "FINISHED"]
    assert runs[0].data.tags["failure"] == "the disk is full"


def test_a_run_that_is_told_again_takes_the_place_of_what_was_told_and_no_other_run_does(tmp_path):
    tracker = MLflow()
    several = [("cell", {"rounds": 2}), ("cell", {"rounds": 3}), ("cell", {"rounds": 2, "seed": 1}), ("other", {})]
    for place, (name, config) in enumerate(several):
        track = tracker.open(name, config, tmp_path)
        track.numbers(0, {"test_accuracy": float(place)})
        track.end()
    elsewhere = MLflow(uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    elsewhere.open("cell", {"rounds": 2}, tmp_path / "elsewhere").end()
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("fedprop").experiment_id])
    assert sorted((run.info.run_name, run.data.metrics.get("test_accuracy", -1.0)) for run in runs) == [
        ("cell", -1.0),
        ("cell", 1.0),
        ("cell", 2.0),
        ("other", 3.0),
    ]
