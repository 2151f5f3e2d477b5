"""The ways out: the live stream to an inbox, and webhooks to platforms."""
