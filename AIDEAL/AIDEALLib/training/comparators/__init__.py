"""Deep networks that others proposed, small and trained on our simulator: research extras for comparison, not shipped."""
