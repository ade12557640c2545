"""What is done for one scan, whoever requests it: estimated, measured, written into a folder."""
