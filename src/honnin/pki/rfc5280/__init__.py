"""RFC 5280: certificates, names, CRLs and certification path validation. One module a section."""
