import subprocess
import sys

import pytest

from fedprop.errors import StoreError
from fedprop.folders import claimed

HOLDER = """
import sys
from pathlib import Path
from fedprop.folders import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_at_a_time_holds_a_folder_until_it_ends_even_by_a_kill(tmp_path):
    folder = tmp_path / "deep" / "run"
    arguments = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"another process is running in {folder}; wait until it has ended"):
            claimed(folder).__enter__()
        holder.kill()
    with claimed(folder):
        pass


def test_a_block_that_fails_lets_go(tmp_path):
    with pytest.raises(ZeroDivisionError), claimed(tmp_path):
        raise ZeroDivisionError
    with claimed(tmp_path), pytest.raises(StoreError, match="another process"):
        claimed(tmp_path).__enter__()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(StoreError, match=f"{place} must be a folder, or a place for one; found a file"):
            claimed(place).__enter__()
