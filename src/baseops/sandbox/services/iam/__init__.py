"""Operations of IAM that moto lacks, one module for each matter."""
