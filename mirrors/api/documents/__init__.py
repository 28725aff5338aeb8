"""What describes the API: the OpenAPI document, Quay's discovery document, and what the types of errors mean."""
