"""The command `aideal`."""
