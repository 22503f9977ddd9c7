"""Property tests: generators and laws."""
