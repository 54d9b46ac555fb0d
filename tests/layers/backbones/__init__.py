"""Published classifiers assembled from srkit's layers, only to count what they weigh."""
