"""Files about addresses: read and checked by a process of their own, and searched where they lie."""
