"""What people do with their accounts, one use case a class: domain and store put together, one transaction an act."""
