"""Parts of `rampart task` and `rampart schedule`."""
