import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import yaml

from fedprop.defenses import Ruling
from fedprop.errors import StoreError
from fedprop.report import chrome_trace, write_run_report, write_sweep_report
from fedprop.report.figures import malicious_index_figure
from fedprop.report.html import cards
from fedprop.report.run import Failure

VOID = {"meta", "img", "br", "hr", "link", "input"}
PNG = b"\x89PNG\r\n\x1a\n"


class Page(HTMLParser):
    """Checks that tags nest, and keeps what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.images, self.links, self.text = [], [], [], ""
        self.tables, self.header_cells = 0, 0
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "img":
            self.images.append(found)
        if tag == "a":
            self.links.append(found["href"])
        self.tables += tag == "table"
        self.header_cells += tag == "th" and "scope" in found
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def page(path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_a_run_report_is_complete(run, tmp_path):
    path = write_run_report(run, tmp_path / "run")
    assert path == tmp_path / "run" / "report.html"
    pictures = {p.name for p in path.parent.glob("*.png")}
    assert pictures == {
        "accuracy_by_round.png",
        "accuracy_over_time.png",
        "numbers_by_round.png",
        "timeline.png",
        "rejections.png",
        "weights.png",
    }
    assert all(p.read_bytes().startswith(PNG) for p in path.parent.glob("*.png"))
    assert json.loads((path.parent / "trace.json").read_text()) == json.loads(json.dumps(chrome_trace(run)))
    assert {p.suffix for p in path.parent.iterdir()} == {".png", ".html", ".json"}


def test_a_run_page_shows_the_run(run, tmp_path):
    found = page(write_run_report(run, tmp_path))
    for part in (
        run.label,
        f"{run.summary['test_error']:.3f}",
        run.summary["trace_sha256"],
        "12.2",
        "non-finite",
        "dropped midway",
        "too few updates",
        yaml.safe_dump(run.config, sort_keys=False),
        "2.6.0",
    ):
        assert part in found.text


def test_a_page_needs_nothing_but_itself(run, table, tmp_path):
    for path in (write_run_report(run, tmp_path / "a"), write_sweep_report("S", [table], [run], tmp_path / "b")):
        found = page(path)
        assert found.images
        assert all(image["src"].startswith("data:image/png;base64,") and image["alt"] for image in found.images)
        assert found.tables
        assert found.header_cells
        assert not re.search(r"https?://|<script|@import|url\(", path.read_text(encoding="utf-8"))


def test_names_cannot_break_the_page(run, table, tmp_path):
    evil = "<script>alert('1')</script>"
    hostile = replace(run, label=evil, config={"name": evil}, versions={evil: evil})
    path = write_run_report(hostile, tmp_path / "a")
    assert evil in page(path).text.replace("''", "'")
    assert "<script" not in path.read_text()
    path = write_sweep_report(evil, [replace(table, title=evil, source=evil, notes=evil)], [hostile], tmp_path / "b")
    assert "<script" not in path.read_text()


def test_staleness_is_shown_where_there_is_some(async_run, tmp_path):
    path = write_run_report(async_run, tmp_path)
    assert (tmp_path / "staleness.png").exists()
    assert "Staleness" in page(path).text


def test_what_the_clients_privacy_cost_is_shown_where_there_is_some(run, tmp_path):
    rounds = [replace(run.rounds[0], epsilon={3: 0.51234})]
    path = write_run_report(replace(run, rounds=rounds), tmp_path)
    assert '<th scope="row">3</th><td>1</td><td>0.512</td>' in path.read_text(encoding="utf-8")
    assert "Privacy" not in page(write_run_report(run, tmp_path)).text


def test_what_ended_a_run_early_is_shown(run, tmp_path):
    ended = replace(run, summary={**run.summary, "ended": "the test accuracy has reached 0.9"})
    assert (
        "<small>ended early: the test accuracy has reached 0.9</small>" in write_run_report(ended, tmp_path).read_text()
    )
    assert "ended early" not in page(write_run_report(run, tmp_path)).text


def test_metrics_are_shown_where_some_were_asked_for(run, tmp_path):
    parts = {"0": 0.75, "1": None}
    told = {"label": "F1 <mean>", "value": None, "text": "– (class 1 is absent)", "parts_of": "class", "parts": parts}
    path = write_run_report(replace(run, summary={**run.summary, "numbers": {"f1": told}}), tmp_path)
    text = path.read_text(encoding="utf-8")
    assert '<th scope="row">F1 &lt;mean&gt;</th><td class="text">– (class 1 is absent)</td>' in text
    assert '<th scope="row">0</th><td>0.7500</td>' in text
    assert '<th scope="row">1</th><td>–</td>' in text
    assert "one by one" in text
    assert "one by one" not in page(write_run_report(run, tmp_path)).text


def ruled(run):
    """The run with a ruling for each round: client 7 is found malicious again and again, and then banned."""

    def ruling(number):
        verdicts = {0: "benign", 7: "malicious"}
        return Ruling("divergent", verdicts, True, {0: 1.0, 7: 1.0}, {}, {0: 0.0, 7: number + 1.0}, (7,) * (number > 2))

    rounds = [replace(record, ruling=ruling(i)) for i, record in enumerate(run.rounds)]
    return replace(run, rounds=[replace(run.rounds[0]), *rounds])


def test_decisions_are_shown_where_there_are_some(run, tmp_path):
    text = page(write_run_report(ruled(run), tmp_path)).text
    assert (tmp_path / "malicious_index.png").exists()
    assert "Every decision as a table" in text
    assert "2 of 2" in text
    assert "1 benign, 1 malicious" in text
    assert "Every decision" not in page(write_run_report(run, tmp_path / "plain")).text


def test_the_malicious_index_is_a_line_for_each_client(run):
    axes = malicious_index_figure(ruled(run)).axes[0]
    count = len(run.rounds)
    lines = {line.get_gid(): list(line.get_ydata()) for line in axes.lines if line.get_gid()}
    assert lines == {"client 0": [0.0] * count, "client 7": [i + 1.0 for i in range(count)]}
    assert [len(marks.get_offsets()) for marks in axes.collections] == [0, count - 3]


def test_a_run_in_which_nothing_happened_still_has_a_page(run, tmp_path):
    empty = replace(run, rounds=[], events=[], summary={})
    found = page(write_run_report(empty, tmp_path))
    for part in (
        "–",
        "No round was evaluated.",
        "No events were kept",
        "rejected no message",
        "No round recorded the w",
    ):
        assert part in found.text
    assert not found.images


def test_what_cannot_be_drawn_is_said_in_a_sentence(run, tmp_path):
    once = replace(run.rounds[-1], accuracy=0.8125, rejected=3, ruling=ruled(run).rounds[-1].ruling)
    text = page(write_run_report(replace(run, rounds=[once], events=[]), tmp_path)).text
    assert f"Evaluated once, after round {once.round}: test accuracy 0.8125." in text
    assert "The server rejected 3 messages; why and from whom is not known without the events." in text
    assert "Every decision as a table" in text
    assert "Perfetto" not in text


def test_a_card_is_a_number_and_a_few_words(run):
    spent = {"epsilon": 7.998, "delta": 1e-3, "noise_multiplier": 1.09, "target_epsilon": 8.0}
    found = cards(replace(run, summary=run.summary | spent))
    assert found["largest epsilon"] == ("8.00", "within the target of 8")
    assert found["clients trained together"] == ("12.2", "on average")
    assert cards(replace(run, summary={}))["wall time"] == ("–", "")


def test_the_whole_of_what_privacy_cost_stands_in_its_section(run, tmp_path):
    spent = {"epsilon": 3.2, "delta": 1e-5, "noise_multiplier": 1.1, "target_epsilon": None}
    rounds = [replace(run.rounds[0], epsilon={3: 3.2})]
    text = page(write_run_report(replace(run, rounds=rounds, summary=spent), tmp_path)).text
    assert "Largest epsilon: 3.20 at delta 1e-05, noise multiplier 1.10." in text


def test_a_sweep_page_shows_tables_curves_and_links(table, make_run, tmp_path):
    runs = [
        replace(make_run(), table=table.title, row=row, column=column) for row in table.rows for column in table.columns
    ]
    links = {(table.title, "Krum", "no attack"): "runs/a/report.html"}
    path = write_sweep_report("A sweep", [table, replace(table, title="Again")], runs, tmp_path, links=links)
    found = page(path)
    assert found.links == ["runs/a/report.html"] * 2
    assert len(found.images) == 5
    assert "0.12 ± 0.03 | 0.11" in found.text
    assert "0.40 | 0.75 ≠" in found.text
    assert "Fang et al. 2020, Table 2" in found.text
    assert path.read_text(encoding="utf-8").count('class="flag"') == 2
    names = {"table_1", "panels_by_round_1", "panels_over_time_1", "numbers_by_round_1", "table_2"}
    assert {p.stem for p in tmp_path.glob("*.png")} == names


def test_a_report_is_the_same_bytes_twice(run, tmp_path):
    first, second = (write_run_report(run, tmp_path / name).read_bytes() for name in "ab")
    assert first == second


def test_a_place_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        write_run_report(run, tmp_path / "file")


def test_importing_the_reports_does_not_import_matplotlib():
    code = "import sys, fedprop.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_failed_cells_and_failed_runs_are_flagged_with_their_reason(run, table, tmp_path):
    failures = {(table.rows[0], table.columns[0]): (Failure("seed 0", "<no> memory"),)}
    path = write_sweep_report("S", [replace(table, ours={}, failures=failures)], [], tmp_path / "b")
    text = path.read_text(encoding="utf-8")
    assert '<td class="flag">failed' in text
    assert "<li>seed 0 failed: &lt;no&gt; memory</li>" in text
    text = write_run_report(replace(run, failure="<no> memory"), tmp_path / "a").read_text(encoding="utf-8")
    assert "This run is no result: &lt;no&gt; memory" in text
