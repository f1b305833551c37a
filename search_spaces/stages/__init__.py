"""The stages of a host network: what is decided on one, what that builds into it, and how it is built."""
