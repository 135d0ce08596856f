"""Queues and rules start functions."""

import json
import time
import uuid

from botocore.exceptions import ClientError
from local_stack import ACCOUNT, REGION, Stack, wait_for


def test_a_mapping_reads_as_its_role_and_returns_what_failed(stack: Stack) -> None:
    sqs, functions = stack.client("sqs"), stack.client("lambda")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead", "maxReceiveCount": "2"}
    attributes = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)}
    queue = sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
    role = stack.role("worker", "lambda.amazonaws.com")
    source = """
      exports.handler = async (event) => {
        console.log('batch of ' + event.Records.length);
        const bad = event.Records.filter((record) => record.body === 'bad');
        return { batchItemFailures: bad.map((record) => ({ itemIdentifier: record.messageId })) };
      };
    """
    stack.function("worker", role, source)
    functions.create_event_source_mapping(
        FunctionName="worker",
        EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:work",
        BatchSize=1000,
        MaximumBatchingWindowInSeconds=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 2},
    )

    def depth(url: str) -> int:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])

    for part in range(0, 50, 10):
        entries = [
            {"Id": str(n), "MessageBody": "bad" if n == 7 else f"good {n}"} for n in range(part, part + 10)
        ]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    wait_for(
        lambda: (
            "PROBLEM"
            in functions.list_event_source_mappings()["EventSourceMappings"][0]["LastProcessingResult"]
        ),
        "the refusal of a role without rights",
    )
    assert depth(queue) == 50
    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    stack.allow("worker", (actions, [f"arn:aws:sqs:{REGION}:{ACCOUNT}:work"]))
    wait_for(lambda: depth(queue) == 0 and depth(dead) == 1, "the redrive of the one that failed")
    logs = stack.client("logs").filter_log_events(logGroupName="/aws/lambda/worker")["events"]
    assert any("batch of 50" in event["message"] for event in logs)


def test_a_state_machine_puts_an_event_as_its_role_may_and_a_queue_gets_it(stack: Stack) -> None:
    states, events, sqs = stack.client("stepfunctions"), stack.client("events"), stack.client("sqs")
    queue = sqs.create_queue(QueueName="readers")["QueueUrl"]
    events.put_rule(Name="changed", EventPattern=json.dumps({"source": ["lean-ops"]}))
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:readers"
    events.put_targets(Rule="changed", Targets=[{"Id": "1", "Arn": target}])
    entry = {"Source": "lean-ops", "DetailType": "Topic tables changed", "Detail.$": "$.change"}
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::events:putEvents",
        "Parameters": {"Entries": [entry]},
        "End": True,
    }
    role = stack.role("teller", "states.amazonaws.com")
    definition = json.dumps({"StartAt": "Tell", "States": {"Tell": task}})
    machine = states.create_state_machine(name="teller", definition=definition, roleArn=role)
    change = {"topic": "telemetry.climate", "layers": {"curated": {"rows_after": 1}}}

    def execute() -> str:
        key = states.start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps({"change": change})
        )["executionArn"]
        ended = wait_for(
            lambda: (found := states.describe_execution(executionArn=key))["status"] != "RUNNING" and found,
            "its end",
        )
        return str(ended["status"])

    assert execute() == "FAILED", "it may put nothing yet"
    stack.allow("teller", (["events:PutEvents"], [f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"]))
    assert execute() == "SUCCEEDED"
    (message,) = wait_for(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), "the event")
    body = json.loads(message["Body"])
    assert (body["source"], body["detail-type"]) == ("lean-ops", "Topic tables changed")
    assert body["detail"] == change


def test_an_object_created_reaches_a_function_through_eventbridge(stack: Stack) -> None:
    s3, events = stack.client("s3"), stack.client("events")
    role = stack.role("listener", "lambda.amazonaws.com")
    source = """
      exports.handler = async ({ detail: { object } }) =>
        console.log('key ' + object.key, object['version-id']);
    """
    function = stack.function("listener", role, source)
    stack.create_bucket("schemas")
    s3.put_bucket_versioning(Bucket="schemas", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="schemas", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["schemas"]},
            "object": {"key": [{"wildcard": "schemas/*/pending/schema.json"}]},
        },
    }
    rule = events.put_rule(Name="created", EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule="created", Targets=[{"Id": "1", "Arn": function}])
    functions, logs = stack.client("lambda"), stack.client("logs")

    def seen(key: str) -> bool:
        try:
            found = logs.filter_log_events(logGroupName="/aws/lambda/listener")["events"]
        except ClientError:
            return False
        return any(f"key {key}" in event["message"] for event in found)

    s3.put_object(Bucket="schemas", Key="schemas/first/pending/schema.json", Body=b"{}")
    time.sleep(1)
    assert not seen("schemas/first/pending/schema.json"), "invoked without a permission"
    functions.add_permission(
        FunctionName="listener",
        StatementId=uuid.uuid4().hex,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    put = s3.put_object(Bucket="schemas", Key="schemas/second/pending/schema.json", Body=b"{}")
    s3.put_object(Bucket="schemas", Key="schemas/second/active/schema.json", Body=b"{}")
    wait_for(lambda: seen(f"schemas/second/pending/schema.json {put['VersionId']}"), "the invocation")
    assert not seen("schemas/second/active/schema.json")
