"""Latencies of deployed networks: the record of a measurement, a book of them, and a prediction for the others."""
