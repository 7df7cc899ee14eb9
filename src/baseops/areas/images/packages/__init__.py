"""The packages that an image has, by the database of its package manager; read from files alone."""
