"""Images as trainings see them: decoded once, described, split, batched and augmented."""
