"""Lists of values that rules ask: what they are, and how millions of their values are kept in memory."""
