"""What DESIGN promises in figures, measured on a real server: ``python -m bench``."""
