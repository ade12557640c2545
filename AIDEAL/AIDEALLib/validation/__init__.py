"""How far estimates lie from a known truth: scores, and the sections of one report."""
