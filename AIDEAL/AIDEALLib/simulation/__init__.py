"""Scans with known truth: tissue models, susceptibility fields, protocols and noise."""
