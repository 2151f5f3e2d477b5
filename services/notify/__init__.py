"""notify: brings a match to the enterprise: inbox (收件箱), live stream, webhooks.

In: documents.v1, benefits.v1, matches.v1, claims.v1. Out: answers.v1.
"""
