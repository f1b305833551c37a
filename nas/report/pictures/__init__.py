"""The front as a picture for files: its marks, the places of its labels, and how it is drawn."""
