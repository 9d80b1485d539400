"""Load the settings of one run from the command line, the environment and the config file."""
