"""Images: golden AMIs built by EC2 Image Builder from a locked base, published, watched and retired."""
