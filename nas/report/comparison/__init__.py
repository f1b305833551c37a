"""Several searches beside each other: whether they can be compared, by which numbers, and a page of it."""
