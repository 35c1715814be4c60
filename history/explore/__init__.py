"""Finding runs: filters that live in the address, and the list that they leave."""
