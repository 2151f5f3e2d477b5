"""catalog: what the city offers. It keeps measures (举措), drafts benefits (惠企事项) from them, and has people review and publish them.

In: documents.v1, measures.v1. Out: benefits.v1.
"""
