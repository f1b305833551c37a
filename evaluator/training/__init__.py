"""A training: its recipe, its step, its schedules, its checkpoints, and the memory and time it takes."""
