"""Sources of images: datasets, folders and tables are opened and inspected, and what is not used of them is reported."""
