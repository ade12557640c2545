"""Errors of the echoes that are found and corrected before the estimate: rotation sense, odd-even phase, first echo, gains."""
