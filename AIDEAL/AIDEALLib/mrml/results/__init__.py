"""Maps, tables and comparisons in the scene."""
