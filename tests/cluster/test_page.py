"""The page on Ray: its commands run, and print what it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "ray.md").read_text(encoding="utf-8")
FILES = re.findall(r"^```yaml\n(# file: (\S+)\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CONSOLE = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_commands_do_what_it_says(cluster, tmp_path):
    for text, name in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "RAY_ADDRESS": cluster.address, "COLUMNS": "200"}
    output, commands = "", 0
    for line in "".join(CONSOLE).splitlines():
        if line.startswith("$ "):
            program, *arguments = shlex.split(line[2:])
            assert program == "fedprop"
            start = [sys.executable, "-c", "from fedprop.cli import main; main()", *arguments]
            done = subprocess.run(start, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
            output, commands = done.stdout + done.stderr, commands + 1
            assert done.returncode == 0, output
        else:
            found = output.find(line)
            assert found >= 0, f"{line!r} is not in what follows:\n{output}"
            output = output[found + len(line) :]
    assert commands == 3
