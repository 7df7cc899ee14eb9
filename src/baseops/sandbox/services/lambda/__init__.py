"""AWS Lambda in the sandbox: moto keeps the functions, their code runs here in a child process."""
