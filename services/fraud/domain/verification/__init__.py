"""Verification: computes stored values of features anew, in the order of arrival, and tells what differs."""
