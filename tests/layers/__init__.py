"""Tests of srkit.layers."""
