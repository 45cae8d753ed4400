"""What regsync remembers between runs; all of it may be deleted at any time."""
