"""What the decisions of each tenant go by, kept at hand."""
