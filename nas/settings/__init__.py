"""Settings of a search, and how they are read from YAML files and from the command line."""
