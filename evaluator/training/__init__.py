"""A training: its recipe and its step, its schedules, its checkpoints, and the memory and the time it takes."""
