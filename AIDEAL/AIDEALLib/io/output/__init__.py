"""Results out: maps, tables, the overview picture."""
