"""The record of a search on an Optuna storage: it is written, checked when it is read, held by one driver, and continued."""
