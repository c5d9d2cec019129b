"""Labels: what became known of transactions, by whom and when."""
