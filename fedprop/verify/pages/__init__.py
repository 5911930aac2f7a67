"""Findings, as plain data and as text and pages."""
