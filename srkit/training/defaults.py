"""What a run does when nobody says otherwise; the command line shows the same numbers."""

BATCH_SIZE = 16
PATCH_SIZE = 48  # LR pixels
LEARNING_RATE = 1e-3
STEPS = 100_000
WARMUP = 200
SEED = 0
VALIDATE_EVERY = 2000
SAVE_EVERY = 1000
LOG_EVERY = 100
