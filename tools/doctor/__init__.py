"""PURE: what was found of an environment and of this machine -> what of it keeps runs from going, and the mend."""
