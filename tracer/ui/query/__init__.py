"""The query in the address of a list, its completion, and the page that explains the language."""
