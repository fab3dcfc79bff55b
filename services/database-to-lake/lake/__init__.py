"""Where rows go: `table` says what a table's state is, `store` where its files lie, `parquet` writes them."""
