"""Display of maps in the slice views."""
