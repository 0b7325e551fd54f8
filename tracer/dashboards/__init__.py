"""Dashboards as documents: tiles that ask questions, variables, a library of ready ones. Pure."""
