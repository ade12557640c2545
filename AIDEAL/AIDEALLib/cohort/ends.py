"""Kinds of ends of a scan that are no failure of the scan."""

KILLED = "killed"
"""Its process or worker was killed, which the scan may not be to blame for: not recorded, so that the scan is run again."""
DISK_FULL = "disk full"
"""Concerns all scans: nothing is recorded, and the cohort stops."""
