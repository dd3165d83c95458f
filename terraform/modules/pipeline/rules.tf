# Who hears what. AWS's own events come on the default bus, for nothing; requests by people are put there too.
locals {
  day    = 86400
  hour   = 3600
  minute = 60

  rules = {
    # Every successful push to a followed repository. Tags are not looked at here: the function decides, and its log
    # says why a push moved nothing. ECR's image events name no resource, so the repository is matched by its name.
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
    image-pushed = {
      function    = "rollout"
      description = "An image was pushed to a followed repository."
      keep        = local.day
      pattern = {
        source      = ["aws.ecr"]
        detail-type = ["ECR Image Action"]
        detail = {
          action-type     = ["PUSH"]
          result          = ["SUCCESS"]
          repository-name = local.repositories
        }
      }
    }

    # A target may wait for what the scan of its image finds. Only the end of a scan is an event.
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
    image-scanned = {
      function    = "rollout"
      description = "An image of a followed repository was scanned."
      keep        = local.day
      pattern = {
        source      = ["aws.ecr"]
        detail-type = ["ECR Image Scan"]
        detail = {
          repository-name = local.repositories
        }
      }
    }

    # The same for an image that was pushed in another region and copied here.
    image-replicated = {
      function    = "rollout"
      description = "An image was replicated to a followed repository."
      keep        = local.day
      pattern = {
        source      = ["aws.ecr"]
        detail-type = ["ECR Replication Action"]
        detail = {
          result          = ["SUCCESS"]
          repository-name = local.repositories
        }
      }
    }

    # What people ask for: by the board, the command line, or a workflow. All installations of an account share the bus,
    # and each hears only what is asked of its own targets.
    rollout-requested = {
      function    = "rollout"
      description = "Somebody asked for a rollback or a redeployment."
      keep        = local.day
      pattern = {
        source      = ["couplet"]
        detail-type = ["Rollout Requested"]
        detail      = { target = var.targets[*].service }
      }
    }

    # These events name their service in `resources` and nowhere else.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    deployment-changed = {
      function    = "verdict"
      description = "A target's deployment began, completed or failed."
      keep        = local.hour
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Deployment State Change"]
        resources   = local.service_arns
      }
    }

    # The errors among the service events: what keeps a deployment from moving, minutes before it fails.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
    service-impaired = {
      function    = "verdict"
      description = "A target's service cannot do what it should."
      keep        = local.hour
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Service Action"]
        resources   = local.service_arns
        detail = {
          eventType = ["ERROR"]
        }
      }
    }

    # How far a deployment has come, in tasks. It moves no verdict: people look at it while they wait for one.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
    task-started = {
      function    = "verdict"
      description = "A target's task runs."
      keep        = local.minute
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change"]
        detail = {
          lastStatus    = ["RUNNING"]
          desiredStatus = ["RUNNING"]
          group         = [for target in var.targets : "service:${target.service}"]
          clusterArn    = local.cluster_arns
        }
      }
    }

    # Tasks that ended by themselves or did not get healthy, which is where a failed rollout's reason is. Those that ECS
    # stops in the course of its work are many and tell nothing; unhealthy ones have the same code and other words.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
    task-stopped = {
      function    = "verdict"
      description = "A target's task could not start or ended by itself."
      keep        = local.hour
      pattern = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change"]
        detail = {
          lastStatus = ["STOPPED"]
          group      = [for target in var.targets : "service:${target.service}"]
          clusterArn = local.cluster_arns
          "$or" = [
            { stopCode = ["TaskFailedToStart", "EssentialContainerExited"] },
            { stoppedReason = [{ prefix = "Task failed " }] },
          ]
        }
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "event" {
  for_each = local.rules

  name          = "${var.name}-${each.key}"
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

# What events have lost, the clock repairs: `verdict` compares every open rollout with the truth in ECS, and `rollout`
# the newest image of every repository with what it has heard of.
resource "aws_cloudwatch_event_rule" "sweep" {
  name                = "${var.name}-sweep"
  description         = "Compares the ledger with ECS and ECR."
  schedule_expression = "rate(1 minute)"
}

locals {
  # Every rule with its function, and how long an event is kept for it if it cannot be handed over. A push is kept as
  # long as EventBridge can, since nothing repeats it; of ECS's news and the clock's, a newer one comes.
  deliveries = merge(
    { for name, rule in local.rules : name => {
      rule     = aws_cloudwatch_event_rule.event[name]
      function = local.functions[rule.function]
      keep     = rule.keep
    } },
    { for does in ["rollout", "verdict"] : "sweep-${does}" => {
      rule     = aws_cloudwatch_event_rule.sweep
      function = local.functions[does]
      keep     = local.minute
    } },
  )

  # `report` hears no event: it follows the ledger.
  functions = {
    rollout = module.rollout
    verdict = module.verdict
    report  = module.report
  }
}

resource "aws_cloudwatch_event_target" "function" {
  for_each = local.deliveries

  rule      = each.value.rule.name
  target_id = each.value.function.name
  arn       = each.value.function.arn

  # Attempts are bounded by time alone: 185 is the most there is, and the default.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
  retry_policy {
    maximum_event_age_in_seconds = each.value.keep
    maximum_retry_attempts       = 185
  }

  # Where an event goes that could not be handed over. Default: nowhere.
  dead_letter_config {
    arn = aws_sqs_queue.failures.arn
  }
}

# By the rule's own ARN: EventBridge names no account when it invokes, so a condition on one would refuse it.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
resource "aws_lambda_permission" "rule" {
  for_each = local.deliveries

  statement_id  = each.key
  function_name = each.value.function.name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = each.value.rule.arn
}
