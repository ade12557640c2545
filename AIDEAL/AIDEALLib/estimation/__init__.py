"""From echoes to parameter maps: least squares, refinement, candidates, fusion."""
