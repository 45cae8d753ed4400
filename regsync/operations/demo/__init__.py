"""The demo: a week with Docker on this machine alone, in two registries and an OCI layout.

Only the world is made up. Pulls, statuses and what is remembered between them are the operations
that every other command uses; the embedded registries are reached by ordinary configuration.
"""
