"""Files in, files out: one loader for every format, writers for maps and tables."""
