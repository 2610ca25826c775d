"""The room that reads drafts critically: findings, as data."""
