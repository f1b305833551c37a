"""The benchmarks behind the numbers in the docs."""
