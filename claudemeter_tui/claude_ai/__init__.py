"""claude.ai as a source: the requests, and the meaning of the replies."""
