"""EBS direct APIs, in place of moto's, which know nothing of EC2's snapshots."""
