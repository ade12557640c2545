"""Beside other methods: the same scans through every method, accuracy against time and memory."""
