"""What the repository declares: services/* -> Service -> fingerprint -> the draft of a release. Reads files only."""
