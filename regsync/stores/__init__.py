"""Where images live: engines, layouts, registries, behind a few small protocols."""
