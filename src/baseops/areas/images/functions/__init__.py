"""Programs that run in AWS for the logs area: they import nothing of baseops."""
