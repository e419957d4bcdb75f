"""Log storage: append inside the caller's transaction, sequence apart, sign what is durable."""
