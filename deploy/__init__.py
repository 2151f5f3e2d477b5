"""Running it: everything embedded in one command, a real Kafka, compose."""
