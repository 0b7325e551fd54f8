"""Agents and chats that re-send their whole history: disk space, rate and processor time."""
