"""Values as HTML: numbers, Markdown, JSON, chat messages, flags."""
