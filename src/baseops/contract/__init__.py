"""The frozen types that areas and rooms share; it imports no other part of baseops."""
