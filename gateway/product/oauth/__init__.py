"""The endpoints of OAuth 2 and OpenID Connect that programs call: forms in, JSON in the words of the RFCs out."""
