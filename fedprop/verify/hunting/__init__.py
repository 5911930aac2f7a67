"""The hunt: claims tried on generated inputs, within time limits, with global settings and randomness watched."""
