"""One thread for tensors as small as the tests': on a busy machine two only wait for each other."""

import os

import torch

torch.set_num_threads(1)
# The same for the commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
