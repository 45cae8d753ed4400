"""What regsync does: results are returned, nothing is printed here."""
