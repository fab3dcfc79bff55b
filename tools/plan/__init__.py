"""What is + what should be -> actions with their reasons. PURE: no clock, no I/O; knows model, desired and errors."""
