"""Attacks to repeat against a server of their own, each with its figures."""
