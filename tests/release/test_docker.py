"""What the Dockerfile copies is there, and reaches it; what it runs is a session. No image is built."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_image_is_made_of_files_that_exist_and_runs_a_session_that_exists():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {name for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for name in line.split()[:-1]}
    let_through = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert copied == let_through
    assert [name for name in sorted(copied) if not (ROOT / name).exists()] == []
    command = json.loads(re.search(r"^CMD (.*)$", text, re.MULTILINE)[1])
    assert f"\ndef {command[-1]}(session" in (ROOT / "noxfile.py").read_text(encoding="utf-8")
