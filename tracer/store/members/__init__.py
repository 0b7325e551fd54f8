"""Members with their sessions, roles, invitations and tokens; login limits; the audit log."""
