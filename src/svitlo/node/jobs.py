"""The lease queue of the node. Not built yet: until then the adding command sequences, signs and stamps."""
