variable "name_prefix" {
  description = "Prefix of AWS resource names."
  type        = string
  default     = "lean-ops"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,20}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 2 to 22 lower-case letters, digits or hyphens, from a letter to a letter or digit: a bucket name of at most 63 characters is made of it. Choose a shorter or simpler prefix, such as \"lean-ops\"."
  }
}

variable "database_prefix" {
  description = "Prefix of the Glue databases: {prefix}_raw, _standardized, _curated and _ops."
  type        = string
  default     = "lean_ops"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_prefix))
    error_message = "database_prefix must be up to 63 lower-case letters, digits or underscores, from a letter: Athena takes nothing else in a database name. Use underscores in place of hyphens."
  }
}

variable "region" {
  description = "AWS region of the whole pipeline. It has no default, as no region would be right for most."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region)) && length(var.region) <= 14
    error_message = "region must be the code of an AWS region, of at most 14 characters (bucket names end in it). Use one such as eu-central-1."
  }

  validation {
    condition     = !can(regex("^(cn|us-gov|us-iso[a-z]?)-", var.region)) && !contains(local.regions_without_iceberg, var.region)
    error_message = "region must be one in which Firehose delivers to Iceberg tables: none of China, none of GovCloud, and none of ${join(", ", local.regions_without_iceberg)}. Use one such as eu-central-1."
  }
}

variable "s3_use_path_style" {
  description = "Addresses buckets by path instead of by host name: for endpoints other than Amazon's."
  type        = bool
  default     = false
  nullable    = false
}

variable "require_tls" {
  description = "Buckets and queues refuse requests that do not come over TLS. Off only where the endpoint itself is plain HTTP on loopback."
  type        = bool
  default     = true
  nullable    = false
}

variable "force_destroy" {
  description = "Lifts the protection of data: once it is applied, `terraform destroy` deletes everything, also databases with tables, buckets with objects, tables with items and queues with messages. Leave it off where data matters."
  type        = bool
  default     = false
  nullable    = false
}

variable "expiry_enabled" {
  description = "Buckets expire what nobody needs any more: unfinished uploads, query results, old schema versions. Off where a stack lives for minutes: the provider waits 50 s for these rules."
  type        = bool
  default     = true
  nullable    = false
}

variable "provision_tables" {
  description = "Has table-provisioner make the system tables during apply. Off only where Athena is not there."
  type        = bool
  default     = true
  nullable    = false
}

variable "dist_dir" {
  description = "Directory of what the build made ({package}.zip, glue/lean_ops.zip): absolute, or below this module."
  type        = string
  default     = "dist"
  nullable    = false

  validation {
    condition     = var.dist_dir != "" && !endswith(var.dist_dir, "/")
    error_message = "dist_dir must be a directory without a slash at its end. Use \"dist\", where `npx --yes pnpm@12 build` puts it."
  }
}

variable "glue_scripts_dir" {
  description = "Directory of the Glue job scripts: absolute, or below this module."
  type        = string
  default     = "scripts/glue"
  nullable    = false

  validation {
    condition     = var.glue_scripts_dir != "" && !endswith(var.glue_scripts_dir, "/")
    error_message = "glue_scripts_dir must be a directory without a slash at its end. Use \"scripts/glue\"."
  }
}

variable "tags" {
  description = "Tags of every resource, besides application and managed-by."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : key != "" && !startswith(lower(key), "aws:")])
    error_message = "tags must have names, and none may begin with aws:, which is Amazon's own. Rename them."
  }

  validation {
    condition     = length(var.tags) <= 48
    error_message = "tags must be at most 48: a resource takes 50, and application and managed-by are two of them. Leave some out."
  }
}
