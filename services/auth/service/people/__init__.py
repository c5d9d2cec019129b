"""Use cases of people: members, how they prove who they are, and their own accounts."""
