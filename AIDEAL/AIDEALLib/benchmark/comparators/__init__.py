"""Comparison with networks and confidence maps that others proposed: errors, and whose uncertainty finds them."""
