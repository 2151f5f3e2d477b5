"""ingest: the one door in. It reads, checks and refuses documents (文件) and facts (事实).

In: HTTP. Out: documents.v1, measures.v1, facts.v1.
"""
