"""What all JSON routes share: keys, request bodies, answers, problem documents."""
