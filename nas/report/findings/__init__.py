"""What the numbers of a search say, before it is put into sentences, tables and pictures."""
