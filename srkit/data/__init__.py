"""Where training images come from, and how batches are drawn from them."""
