"""Makes the demo film and its ground truth. Never imported by the workflow."""
