"""How recommendations are judged: splits, measures, intervals and the report (`cine evaluate`)."""
