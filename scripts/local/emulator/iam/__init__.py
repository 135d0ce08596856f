"""Credentials and the resources that policies are checked against."""
