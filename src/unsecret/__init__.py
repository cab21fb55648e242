"""unsecret: get an organisation off client secrets in Microsoft Entra."""

from __future__ import annotations

__version__ = "0.1.0"
