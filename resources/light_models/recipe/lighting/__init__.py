"""The recipe of the model of light: places drawn by Cycles, measures of two renderers, training."""
