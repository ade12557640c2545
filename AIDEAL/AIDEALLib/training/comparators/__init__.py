"""Deep networks that others proposed, small and trained on this simulator, for comparison; not part of the extension."""
