"""Networks of a search that a person has chosen: trained properly, and measured on the test images."""
