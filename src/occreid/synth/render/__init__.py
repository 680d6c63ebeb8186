"""Pictures: tracing a person into pixels, hiding a part, the sensor, the labels."""
