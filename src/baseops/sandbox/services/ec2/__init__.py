"""Operations of EC2 that moto lacks, one module for each matter."""
