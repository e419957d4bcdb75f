"""The lease queue of the node. Not built yet: the adding command sequences, signs and stamps."""
