"""What a decision is and how it is reached. Standard library only."""
