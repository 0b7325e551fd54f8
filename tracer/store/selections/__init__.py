"""Reads of whole selections of traces: what differs between two, and their export."""
