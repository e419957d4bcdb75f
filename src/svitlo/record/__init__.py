"""The one record: every statement a node can sign, and its words."""
