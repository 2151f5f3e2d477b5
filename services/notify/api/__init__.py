"""notify's HTTP edge: the inbox of an enterprise, a platform's webhooks, the ledger of pushes."""
