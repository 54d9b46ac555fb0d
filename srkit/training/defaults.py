"""What a run does when nobody says otherwise; the command line shows the same numbers."""

BATCH_SIZE = 16
PATCH_SIZE = 48
LEARNING_RATE = 1e-3
WARMUP = 200
WEIGHT_DECAY = 0.0
CLIP_GRADIENT = 1.0
EMA = 0.999
SEED = 0
LOG_EVERY = 100
VALIDATE_EVERY = 2000
SAVE_EVERY = 1000
