"""The dashboard: draws the store and does nothing else."""
