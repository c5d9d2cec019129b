"""Checks expressions when they are saved, with Google's CEL library, and compiles their patterns with RE2."""
