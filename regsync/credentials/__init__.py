"""Who we are: where credentials come from. Files of other programs are never written."""
