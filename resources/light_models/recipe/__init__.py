"""How the light tier's own models are made: a small CLIP, VAE and UNet, and their judge."""
