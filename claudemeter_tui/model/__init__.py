"""The model of usage: frozen values and pure functions, standard library only."""
