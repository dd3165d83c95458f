# The example for chat and paging: it hears the event that `report` puts, and nothing else.

mock_provider "aws" {
  source = "./tests/mocks"

  # What is handed on must look like an ARN.
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:123456789012:rule/couplet-verdicts" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:couplet-verdicts" }
  }
}

run "verdicts" {
  command = apply

  module {
    source = "./examples/notify"
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.verdict.event_pattern) == {
      source      = ["couplet"]
      detail-type = ["Couplet Rollout State Change"]
      detail = {
        environment = ["production"]
        verdict     = ["rolled_back", "failed", "stopped", "timed_out"]
      }
    }
    error_message = "The rule must match what report announces."
  }

  assert {
    condition     = aws_cloudwatch_event_target.topic.arn == output.topic_arn
    error_message = "Verdicts go to the topic that people subscribe to."
  }

  # Every line of the message is quoted, as EventBridge wants text, and names only what is taken from the event.
  assert {
    condition = alltrue([
      for line in split("\n", trimspace(one(aws_cloudwatch_event_target.topic.input_transformer).input_template)) :
      can(regex("^\".*\"$", line)) && alltrue([
        for name in regexall("<([a-z]+)>", line) : contains(keys(one(aws_cloudwatch_event_target.topic.input_transformer).input_paths), name[0])
      ])
    ])
    error_message = "EventBridge takes a template of quoted lines."
  }

  assert {
    condition = jsondecode(aws_sns_topic_policy.verdicts.policy).Statement == [{
      Sid       = "VerdictsArePublished"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = "arn:aws:sns:eu-west-1:123456789012:couplet-verdicts"
      Condition = { ArnEquals = { "aws:SourceArn" = "arn:aws:events:eu-west-1:123456789012:rule/couplet-verdicts" } }
    }]
    error_message = "Only this rule publishes."
  }

  assert {
    condition     = aws_sns_topic.verdicts.kms_master_key_id != "alias/aws/sns"
    error_message = "EventBridge may not use the key of AWS: a verdict would be lost in silence."
  }
}

run "a_verdict_that_is_none" {
  command = plan

  module {
    source = "./examples/notify"
  }

  variables {
    verdicts = ["green"]
  }

  expect_failures = [var.verdicts]
}
