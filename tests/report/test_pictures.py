"""A picture is one object: whoever lists one more has it on the page, under its heading."""

from dataclasses import replace

from fedprop.report import pictures, write_run_report, write_sweep_report
from fedprop.report.figures import PICTURES
from fedprop.report.figures.style import new_figure
from fedprop.report.picture import Picture


def drawn(*_):
    figure = new_figure(2, 2)
    figure.add_subplot().plot([0, 1])
    return figure


def test_one_more_picture_stands_on_both_pages(run, table, tmp_path, monkeypatch):
    mine = Picture("mine", section="My own <view>", alt="A line.", of_run=drawn, of_table=drawn)
    beside = Picture("beside", section="Trust", alt="Another line.", of_run=drawn)
    monkeypatch.setattr(pictures, "PICTURES", (mine, beside))
    page = write_run_report(run, tmp_path / "run").read_text(encoding="utf-8")
    assert page.count("<h2>My own &lt;view&gt;</h2>") == 1
    assert page.index("<h2>Trust</h2>") < page.index('alt="Another line."') < page.index("<h2>My own")
    assert {path.stem for path in (tmp_path / "run").glob("*.png")} == {"mine", "beside"}
    page = write_sweep_report("S", [table], [run], tmp_path / "sweep").read_text(encoding="utf-8")
    assert "<h3>My own &lt;view&gt;</h3>" in page
    assert {path.stem for path in (tmp_path / "sweep").glob("*.png")} == {"mine_1"}


def test_names_of_pictures_differ_and_all_can_be_read_aloud():
    assert len({picture.name for picture in PICTURES}) == len(PICTURES)
    assert all(picture.alt and picture.section for picture in PICTURES)


def test_the_courses_of_too_many_runs_are_not_drawn(run, table, tmp_path, monkeypatch):
    seen = []
    mine = Picture("mine", section="Mine", alt="A line.", of_table=lambda table, runs: seen.append(len(runs)))
    monkeypatch.setattr(pictures, "PICTURES", (mine,))
    inside = replace(run, table=table.title)
    for count in (pictures.MOST_RUNS, pictures.MOST_RUNS + 1):
        write_sweep_report("S", [table], [inside] * count, tmp_path)
    assert seen == [pictures.MOST_RUNS, 0]
