"""What is inside the sandbox's guests: files and packages of Amazon Linux, and programs that the sandbox plays."""
