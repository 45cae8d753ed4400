"""`regsync.toml`: what the user set. Nothing here is ever written."""
