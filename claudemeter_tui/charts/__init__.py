"""Charts as lines of text: curves with steps and gaps, a line for a near cap, marks for events."""
