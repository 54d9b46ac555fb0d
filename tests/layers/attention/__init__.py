"""Tests of srkit.layers.attention."""
