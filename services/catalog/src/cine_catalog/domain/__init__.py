"""Films and the lists made of them; knows neither gRPC nor SQL."""
