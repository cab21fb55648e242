"""Speaking to a tenant's Graph: which tenant, signed in how, with which permissions, page by page and in batches."""
