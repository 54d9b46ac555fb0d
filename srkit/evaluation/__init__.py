"""Metrics under named protocols, benchmark sets, and tables of results."""
