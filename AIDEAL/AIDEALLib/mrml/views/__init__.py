"""What the slice views show and how."""
