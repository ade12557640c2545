"""Scans in the scene."""
