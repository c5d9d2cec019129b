"""What holds for every test, whichever are chosen."""

# Before anything imports grpc, which reads the TLS settings of the process then and never again.
import meshkit  # noqa: F401
