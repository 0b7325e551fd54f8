"""Dashboards as documents, their variables, and a library of built-in dashboards. Pure."""
