"""Tests of srkit.inference, with networks of their own whose reach is plain to see."""
