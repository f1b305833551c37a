"""Parts that follow a search without changing it: displays, logs, signals, the dashboard."""
