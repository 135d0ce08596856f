terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

# The endpoint of AWS comes from the environment (AWS_ENDPOINT_URL names another than Amazon's), so that the same code is
# applied to an account and to the local stack.
provider "aws" {
  region            = var.region
  s3_use_path_style = var.s3_use_path_style

  default_tags {
    tags = merge({ application = var.name_prefix, managed-by = "terraform" }, var.tags)
  }
}
