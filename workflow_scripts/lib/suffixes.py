"""Which files are images; it stands alone because the plan, and many phases, ask for it."""

IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
