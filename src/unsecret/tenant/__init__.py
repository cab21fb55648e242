"""The local tenant: a Microsoft-Graph-compatible server that enforces app management policies."""
