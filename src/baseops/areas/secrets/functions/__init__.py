"""Programs that run in AWS Lambda, not here: each folder is packed with what it imports, by `package`."""
