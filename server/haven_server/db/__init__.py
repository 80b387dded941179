"""Access to the database: SQLite by default, PostgreSQL by its address."""
