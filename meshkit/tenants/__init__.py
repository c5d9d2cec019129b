"""What a service keeps of a tenant, as a whole: exported and erased, table by table, as the catalogue has them.

No table is named here, so none can be forgotten: what the eraser may read is exported, what it may delete is deleted.
"""
