"""Work with finished and running runs: find, compare, report, reproduce. Imports no torch."""
