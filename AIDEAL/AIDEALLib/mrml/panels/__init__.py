"""The six sections of the panel, from top to bottom; each gets its widgets and what it needs handed in."""
