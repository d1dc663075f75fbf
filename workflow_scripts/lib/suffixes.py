"""Which files are pictures; it stands alone because the plan, and many phases, ask for it."""

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
