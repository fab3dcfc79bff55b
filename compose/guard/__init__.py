"""What stands before the parts of the local cloud, so that neither a web page nor a task can use them beyond its rights.

`pages` before the Prefect server and the AWS emulator, `fargate` inside the emulator, `containers` and `engine` between
the emulator and the Docker engine.
"""
