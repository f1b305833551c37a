"""Latencies of deployed networks: the record of a measurement, a book of measurements, and a prediction for other networks."""
