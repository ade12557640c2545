"""Comparison with other methods on the same scans: accuracy, time and memory."""
