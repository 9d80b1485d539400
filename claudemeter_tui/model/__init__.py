"""What is known about usage: frozen values and pure functions, standard library only."""
