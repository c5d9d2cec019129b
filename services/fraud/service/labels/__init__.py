"""How labels are stored, matched with decisions, and told to the entity logs."""
