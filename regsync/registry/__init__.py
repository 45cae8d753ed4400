"""The Distribution client: how registries are asked, over httpx.

What decides here is pure and stands apart from what connects: `origin` (which addresses a server
may send us to, and with what), `retry` (how long to wait), `hosts` (where a registry is).
"""
