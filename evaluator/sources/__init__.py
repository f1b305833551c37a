"""Where images come from: datasets, folders and tables, opened and looked through, and what of them is not taken."""
