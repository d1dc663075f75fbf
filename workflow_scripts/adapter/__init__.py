"""Adapters: data, loop, file, judgement."""
