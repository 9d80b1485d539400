"""The dashboard: draws the store and nothing else."""
