"""The words of the project as frozen types. Does nothing and imports no other room.

`service` is what service.toml declares, `release` what an environment keeps of it, `prefect` what Prefect holds,
`observed` what an environment was found to hold, `images` and `runs` what the engine, the registry and Prefect tell.
`values` and `secrets` say what one value may be, `differences` what differs between two.
"""
