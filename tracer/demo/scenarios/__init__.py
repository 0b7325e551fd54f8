"""The scenarios of the demo: one module for each fictitious application."""
