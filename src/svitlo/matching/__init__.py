"""Whether two descriptions mean the same, in the clear or blinded. Not built yet."""
