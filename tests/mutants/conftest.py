"""These are scripts, which import their neighbours as scripts do."""

collect_ignore = ["equivalent.py", "plant.py", "run.py"]
