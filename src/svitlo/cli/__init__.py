"""Commands: `svitlo <noun> <verb>`, one module a noun."""
