"""What the console shows of stagent itself."""

from stagent.admin_tokens import ApiTokenAdmin

__all__ = ["ApiTokenAdmin"]
