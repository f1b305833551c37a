"""The record of a search on an Optuna storage: written, checked as it is read, held by one driver, continued."""
