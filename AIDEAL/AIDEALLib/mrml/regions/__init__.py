"""Regions of interest, and their statistics."""
