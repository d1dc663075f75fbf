"""One small loader per model: arrays in, arrays out. `registry` chooses, `load_model` opens."""
