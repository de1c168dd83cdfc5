"""Floor 3: detections become signals with gates, priority and a time to live."""
