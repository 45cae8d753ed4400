"""Who we are: where credentials come from. Nothing here is ever written."""
