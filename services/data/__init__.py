"""The ledger of decided transactions and the questions that it answers."""
