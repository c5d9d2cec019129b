"""Has a second person approve what needs one."""
