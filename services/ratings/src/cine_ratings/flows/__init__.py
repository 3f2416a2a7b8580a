"""What people do with ratings, the diary and reviews, one use case a class: domain and store put together, one transaction an act."""
