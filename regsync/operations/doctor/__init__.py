"""`doctor`: every step on the way to an answer by itself, with what to do where one fails."""
