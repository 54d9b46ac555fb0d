"""Exact mathematics without weights: wavelets, pyramids, resizing, colour.

Every transform takes images of any size from 1x1, lets gradients through, and gives back the
size it was given. Import the file you need; this door stays light on purpose.
"""
