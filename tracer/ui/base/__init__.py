"""What all pages share: blueprint, request helpers, current visitor, filters."""
