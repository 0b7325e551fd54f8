"""Login by an OpenID Connect provider: settings, discovery, ID tokens, roles."""
