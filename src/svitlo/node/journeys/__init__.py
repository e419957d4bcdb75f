"""Every write of the node, one module a family of use cases."""
