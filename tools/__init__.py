"""Takes a flow from a directory under services/ to a run in an ECS task.

The way of the data, and the map of the modules:

    argv -> cli
     1 settings                -> Settings of one environment
     2 discover + fingerprint  -> the services and what decides their images; `desired` makes of them what should be
     3 observe (reads only)    -> State: what is
     4 plan (pure)             -> Plan: actions with their reasons
     5 apply                   -> results: images in parallel, then release, then register
     6 report                  -> text or JSON, exit code

`model` has the words, `errors` the tree of errors, `clients/` all that speaks to Docker, AWS and Prefect.
"""
