# What holds data is protected twice (docs/decisions/0027-protection-of-data.md). A plan under other names than those that the deployment
# was made with is refused. And an apply that would delete or replace something that holds data begins with the deletion of
# a table that DynamoDB refuses to delete, and then does nothing else.
locals {
  identity = {
    account         = data.aws_caller_identity.current.account_id
    region          = var.region
    name_prefix     = var.name_prefix
    database_prefix = var.database_prefix
  }
}

# Remembers what the deployment was made as.
resource "terraform_data" "deployment" {
  input = local.identity

  lifecycle {
    ignore_changes = [input]

    postcondition {
      condition     = self.output == local.identity
      error_message = "This state belongs to the deployment ${jsonencode(self.output)}, and the plan is for ${jsonencode(local.identity)}. Under another account, region, name_prefix or database_prefix everything would be deleted with its data and made anew. Use the values that it was made with. For a second deployment use a state of its own; to give this one up, apply force_destroy = true and destroy it first."
    }
  }
}

# Each of these changes when the thing that holds data is replaced, whatever the reason, and only then.
resource "terraform_data" "data_holder" {
  for_each = merge(module.state.data_holders, module.catalog.data_holders, module.compute.data_holders)

  input = each.value
}

# Terraform deletes what depends on a resource before the resource. This table depends on everything and holds nothing.
resource "aws_dynamodb_table" "deletion_guard" {
  name                        = "${var.name_prefix}-deletion-guard"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "nothing"
  deletion_protection_enabled = !var.force_destroy

  attribute {
    name = "nothing"
    type = "S"
  }

  lifecycle {
    replace_triggered_by = [terraform_data.data_holder]
  }

  depends_on = [module.state, module.catalog, module.compute, module.orchestration]
}
