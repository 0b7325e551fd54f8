"""What every JSON route shares: who asks, how an answer looks, how a refusal looks."""
