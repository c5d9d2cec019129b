"""The way out: HTTP requests to addresses that tenants name, which may lead to nobody but the public Internet.

address of a URL → addresses of its host, each of them checked → a connection to one that was checked → a bounded answer

What was checked is what is connected to, so that no name can mean one address for the check and another for the
connection. Redirects are not followed, every answer is small, and all of it together has an end in time.
"""
