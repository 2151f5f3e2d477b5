"""What every service runs on: settings, bus, outbox, inbox, problems, telemetry, app, auth, clock.

It knows the contracts and no service.
"""
