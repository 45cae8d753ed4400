"""regsync: git status, fetch, push and pull for container images."""

__version__ = "0.1.0.dev0"
