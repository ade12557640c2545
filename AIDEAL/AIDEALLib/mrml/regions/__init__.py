"""Lobes and circles, and what is measured in them."""
