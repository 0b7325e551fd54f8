"""Login by an OpenID Connect provider: its settings, its discovery, the tokens that it issues."""
