"""The settings of one run, validated, each with its origin."""
