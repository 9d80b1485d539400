"""claude.ai as a source: what it is asked, and what its replies mean."""
