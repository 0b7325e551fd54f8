"""Compiles queries to SQL, sorts and counts what they select, and completes their values."""
