from server.databases import database_url, postgres_cluster, sqlite_template

__all__ = ["database_url", "postgres_cluster", "sqlite_template"]
