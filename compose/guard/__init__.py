"""What stands before the parts of the local cloud, so that no web page can use them, and no task beyond its rights.

`pages` before the Prefect server and the AWS emulator, `fargate` inside the emulator, `containers` and `engine` between
the emulator and the Docker engine.
"""
