"""Tasks: one `leyden.Task` a file, with its loss and its metrics."""
