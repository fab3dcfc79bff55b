"""Takes a flow from a directory under services/ to a run in an ECS task. ARCHITECTURE.md draws the rooms.

argv -> cli -> verbs -> settings, desired, environment (observe) -> plan -> environment (apply) -> show -> exit code
"""
