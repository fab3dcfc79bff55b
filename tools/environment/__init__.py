"""Plan meets world: connect to an environment, lock it, observe it, apply a plan, follow a run. Prints nothing."""
