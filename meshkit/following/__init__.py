"""Follows the decisions of the fraud service in another service, each exactly once in effect.

    batches     places in the outbox, and consecutive events as their follower reads them
    ports       what following needs: the stream, the outbox, and a writer
    consumer    follows: from the stream while it has them all, from the outbox when not
    decisions   the stream, the outbox and the stored decisions as they travel
    postgres    the place of a follower, in the transaction of the effect

A service says which events concern it, and what each does.
"""
