"""These are scripts, which import their neighbours as scripts do."""

collect_ignore = ["plant.py", "run.py"]
