"""Settings of a search, and how they are read from YAML files and the command line."""
