output "state_machine_arn" {
  description = "ARN of the cycle's state machine."
  value       = aws_sfn_state_machine.cycle.arn
}

output "maintenance_state_machine_arn" {
  description = "ARN of the state machine of maintenance."
  value       = aws_sfn_state_machine.maintenance.arn
}

output "operation_state_machine_arn" {
  description = "ARN of the state machine of operations."
  value       = aws_sfn_state_machine.operation.arn
}

output "alarm_names" {
  description = "Names of all alarms."
  value = sort(concat(
    [for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name],
    var.schedule_enabled ? [local.cycle_missing_name] : [],
  ))
}

locals {
  # Host of the console, by partition.
  consoles = {
    aws        = "console.aws.amazon.com"
    aws-cn     = "console.amazonaws.cn"
    aws-us-gov = "console.amazonaws-us-gov.com"
  }
}

output "dashboard_url" {
  description = "Console address of the dashboard."
  value = format(
    "https://%s/cloudwatch/home?region=%s#dashboards/dashboard/%s",
    lookup(local.consoles, var.account.partition, local.consoles["aws"]),
    var.account.region,
    aws_cloudwatch_dashboard.this.dashboard_name,
  )
}
