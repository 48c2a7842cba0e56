"""What may be shown: safe groups, bands of amounts, composed identities."""
