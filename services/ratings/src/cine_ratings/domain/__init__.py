"""Rules of ratings, the diary and what is counted of them; imports neither grpc nor protobuf nor SQLAlchemy."""
