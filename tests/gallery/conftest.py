"""The table is a script, which imports its neighbours as scripts do."""

collect_ignore = ["table.py"]
