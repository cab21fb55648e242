"""unsecret: get an organisation off client secrets in Microsoft Entra."""

__version__ = "0.1.0"
