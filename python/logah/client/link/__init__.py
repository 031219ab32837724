"""Channels to servers: which replica is asked, how often, and how long it is waited for."""
