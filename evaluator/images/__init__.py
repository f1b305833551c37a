"""Images as trainings see them: decoded once, described, split, in batches and varied."""
