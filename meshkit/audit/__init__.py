"""The audit log as every process sees it: how events are chained, and how calls become events."""
