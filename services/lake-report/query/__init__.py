"""What a report asks and what the lake answers: definitions, tables of the lake, SQL, plain rows. Shows nothing."""
