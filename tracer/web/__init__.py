"""Shared parts of the JSON routes: authentication, request bodies, answers, problem documents."""
