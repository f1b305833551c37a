"""From a trained network to a file that runs elsewhere, without this program. Importing this module does not import torch."""
