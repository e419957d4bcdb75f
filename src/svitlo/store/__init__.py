"""Where the record is kept: Django models, blobs and log storage."""
