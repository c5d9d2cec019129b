"""The request pipeline: match, check, admit, read, decode, call, answer."""
