"""Who is seen: tracks, looks, clusters, postures."""
