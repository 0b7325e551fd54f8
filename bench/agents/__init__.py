"""Agents and chats that send their whole history again: disk, rate and processor time."""
