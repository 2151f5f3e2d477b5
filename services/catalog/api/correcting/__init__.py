"""Forms that correct a draft; what is refused is shown again with what was typed."""

from services.catalog.api.correcting import amounts, cases, conditions, particulars

ROUTERS = (conditions.router, amounts.router, particulars.router, cases.router)
