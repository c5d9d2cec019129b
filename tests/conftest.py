"""What holds for every test, whichever are chosen."""

import os
import tempfile

# Before anything imports grpc, which reads the TLS settings of the process then and never again.
import meshkit  # noqa: F401

# No command of a test acts as whoever has signed in on this machine.
os.environ["RAMPART_CONFIG_HOME"] = os.path.join(tempfile.gettempdir(), "rampart-test-nobody-is-signed-in")
