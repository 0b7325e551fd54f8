"""Values to HTML: numbers, Markdown, JSON, chat messages, flags."""
