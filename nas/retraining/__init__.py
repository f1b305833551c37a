"""Networks of a search that are trained anew, longer and on more images: which ones, their trainings, and what is kept of them."""
