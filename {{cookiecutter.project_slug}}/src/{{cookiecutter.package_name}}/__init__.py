"""The datasets, networks and tasks of this project."""
