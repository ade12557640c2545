"""What is fitted voxel by voxel: candidates, least squares, noise, fat fraction."""
