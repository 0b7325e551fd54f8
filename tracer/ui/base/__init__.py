"""Modules for every page: blueprint, rendering, current visitor, filters, errors."""
