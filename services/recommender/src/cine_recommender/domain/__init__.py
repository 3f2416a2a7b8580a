"""What a taste is and which films suit it; knows neither the wire nor the disk."""
