"""Training: configuration, objectives, the loop and all that resuming needs."""
