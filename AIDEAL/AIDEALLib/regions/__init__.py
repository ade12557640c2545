"""Regions as the literature draws them: circles suggested in lobes or segments, vessels and edges left out."""
