"""Where rows come from: `relation` says what a source is, each database has a module, `open` chooses by the URL."""
