"""Estimation in a child process: messages, the server that computes, the client that asks."""
