"""An answered report as people meet it: its page, and what Prefect shows. Runs no SQL, writes nothing to the lake."""
