"""What is said about the machine, and how memory is read."""

import sys
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks import memory
from benchmarks.machine import cpu_model, free_bytes, limits, machine, version_of, versions

CPU = torch.device("cpu")


def test_the_processor_names_itself(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: Fast 9000\nmodel name\t: Fast 9000\n")
    assert cpu_model(info) == "Fast 9000"


def test_a_system_that_does_not_tell_has_some_name_all_the_same(tmp_path):
    assert cpu_model(tmp_path / "none")


def test_absent_libraries_have_no_version():
    assert version_of("no-such-library") is None
    assert versions(["torch", "no-such-library"]) | {"python": ""} == {
        "python": "",
        "torch": version("torch"),
        "no-such-library": None,
    }


def test_a_machine_has_cores_memory_and_limits():
    found = machine(CPU)
    assert found["cores"] >= 1
    assert found["memory_gb"] > 0
    assert "gpu" not in found
    assert all(rate > 0 for rate in limits(CPU, quick=True).values())


def test_peak_memory_counts_what_is_freed_again():
    extra = memory.peak_extra(lambda: torch.ones(20_000_000).sum(), CPU)
    assert extra is None or 75e6 < extra < 200e6


def test_a_process_of_its_own_finds_what_it_is_to_call_wherever_it_starts(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if Path(place).resolve() != memory.ROOT])
    assert memory.apart(memory.bytes_of, [torch.zeros(3)]) == 12


def test_where_the_system_does_not_tell_nothing_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "RESET", tmp_path / "none")
    called = []
    assert memory.peak_extra(lambda: called.append(1), CPU) is None
    assert called == [1]


def test_free_memory_is_what_the_system_tells_or_all_there_is(tmp_path):
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 9 kB\nMemAvailable:    3 kB\n")
    assert free_bytes(CPU, info) == 3 * 1024
    assert free_bytes(CPU, tmp_path / "none") >= free_bytes(CPU)
