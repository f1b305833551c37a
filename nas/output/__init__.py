"""What a search leaves on the disk besides its study: the folder, files written in one step, locks, and provenance."""
