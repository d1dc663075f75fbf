"""Adapters: data, loop, file, judgment."""
