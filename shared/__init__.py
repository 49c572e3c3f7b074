"""What the gateway and every service stand on: queues, engine, messages, database, settings, logs."""
