"""A film, decoded once: frames, shots, bars, hashes, measures."""
