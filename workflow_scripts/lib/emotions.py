"""The emotions that models score, people correct and tables name, in the order of every vector."""

EMOTIONS = ["neutral", "happy", "sad", "angry", "surprised", "fear", "disgust"]
INTENSITIES = ["low", "medium", "high"]
