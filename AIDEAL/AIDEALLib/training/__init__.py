"""Unsupervised training of the networks (not shipped into Slicer)."""
