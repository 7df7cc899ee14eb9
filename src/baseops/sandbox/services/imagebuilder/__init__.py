"""EC2 Image Builder: recipes and components, pipelines that build in virtual time, images and their retirement."""
