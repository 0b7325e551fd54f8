"""The users of the traced application: their list, and the page of one."""
