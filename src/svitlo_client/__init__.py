"""The Python client of the REST API. Not built yet."""
