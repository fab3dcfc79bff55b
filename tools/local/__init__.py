"""This machine: a flow as a process, environments, locks, the compose file, the local cloud, the check."""
