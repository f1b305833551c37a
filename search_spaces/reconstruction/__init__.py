"""Pruned filters rebuilt from the others by cheap spatial transformations.

Source: Miles and Mikolajczyk, Reconstructing Pruned Filters using Cheap Spatial Transformations, ICCV workshops 2023
    (arXiv 2110.12844), in the form of R. Miles's thesis, chapter 3; docs/methods.md says what is theirs and what is ours.
"""

TRANSFORMATIONS = ("scalar", "rotation", "affine")
"""Names of the `families`, which themselves need torch; the cheapest first."""
