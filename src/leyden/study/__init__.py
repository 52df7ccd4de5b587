"""What happens between runs: finding them, comparing them. Imports no torch."""
