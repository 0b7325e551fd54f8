"""Pages of members: login, first owner, invitations, account, the members of a project, audit."""
