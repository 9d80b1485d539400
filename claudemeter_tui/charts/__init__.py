"""Charts as lines of text: steps, gaps as gaps, the cap as a line when near, events as marks."""
