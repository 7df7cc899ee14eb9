"""Rotates the password of one PostgreSQL user: the user changes its own password.

It runs in AWS Lambda with the standard library, boto3 and pg8000 alone, and imports nothing else of baseops.
"""
