"""What a search leaves on the disk beside its study: the folder, whole files, locks, and where results come from."""
