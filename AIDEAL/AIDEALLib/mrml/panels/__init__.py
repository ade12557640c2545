"""The six sections of the panel, from top to bottom."""
