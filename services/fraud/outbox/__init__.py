"""Decisions on their way out of the service: rows written in the commit of a decision, published and kept until read.

Rows are ordered by (xid, seq): the transaction that wrote them, then a number. A row is given out only once every
transaction that started before its own has ended, because a transaction may take a lower number than another and commit
after it; whoever reads by number alone loses such rows.
"""
