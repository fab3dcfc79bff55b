"""What is + what should be -> actions, each with its reasons. PURE: no clock, no I/O, and only model, desired, errors."""
