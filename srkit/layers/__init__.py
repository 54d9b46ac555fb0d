"""Things with weights: entrances, blocks, attention and heads, each family behind its own door."""
