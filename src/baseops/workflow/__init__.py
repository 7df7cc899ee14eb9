"""One module for each verb over all areas: the story in order, the thinking elsewhere."""
