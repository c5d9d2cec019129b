"""What is asked of the decider, and how long it may take."""
