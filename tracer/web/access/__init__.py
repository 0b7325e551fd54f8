"""Who may do what: rights and the policy of routes; identities of requests; the session cookie."""
