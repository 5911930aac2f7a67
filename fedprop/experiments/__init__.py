"""One experiment, one run, one sweep: described by a file, assembled, run, kept on disk, added up and published."""
