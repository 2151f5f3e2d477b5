"""What the services say to one another, and nothing else.

The rules of change:
1. A released `v1` model may gain optional fields with a default; nothing else about it may change.
2. Anything else is a `v2`, said beside `v1` until no listener names `v1`; consumers are released first.
3. An event is a fact that happened, named in the past tense; it carries no sentences and is at most 256 KiB.
4. The body holds nothing of the envelope (CloudEvents 1.0, Kafka binary mode).
5. Money is a string with two decimals in yuan; times are RFC 3339 in UTC; dates are the city's.
6. Ids are opaque text; a listener never takes one apart.
7. Production ignores unknown fields, tests forbid them.
8. `schemas/`, `asyncapi.yaml` and `openapi/` are generated (`make contracts`) and committed.
9. `released/` is what CI compares with; only `make contracts-release` replaces it.
10. Examples tell one story per file; after a release, files are added and never edited.
"""
