"""What learned parts become when a network is deployed."""
