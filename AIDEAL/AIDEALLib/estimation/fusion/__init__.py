"""The random field that chooses between the water-fat modes of neighbouring voxels."""
