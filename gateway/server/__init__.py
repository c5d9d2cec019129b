"""The HTTP/1.1 and WebSocket server: sealed, on uvicorn's event loop and httptools' parser."""
