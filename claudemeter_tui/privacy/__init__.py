"""Hide everything personal: an allow-list, pseudonyms, and redacted copies of the store."""
