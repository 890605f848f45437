"""Incidents as scenario files: what is known of each, and a market of its size (api.incident runs them)."""
