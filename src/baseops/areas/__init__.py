"""The five areas of base operations; each stands alone and none imports another."""
