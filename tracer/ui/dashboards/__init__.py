"""Dashboards: the home of a project, dashboards that members make, and the editor."""
