# Region and tags, and nothing about where AWS is: whoever runs this against something else than AWS says so in the
# environment (AWS_ENDPOINT_URL), which the provider, the functions and the service all honour.
provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Application = var.name
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}
