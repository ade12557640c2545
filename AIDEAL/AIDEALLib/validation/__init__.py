"""Comparison of estimates with a known truth: scores, and the sections of one report."""
