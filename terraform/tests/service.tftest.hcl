# What must stay true of every service: who can reach it, how it deploys and goes back, what is kept, and who may do
# what. No account is needed: what is made here is made by a provider that is not there.

mock_provider "aws" {
  source = "./tests/mocks"

  mock_resource "aws_ecr_repository" {
    defaults = {
      arn            = "arn:aws:ecr:eu-west-1:123456789012:repository/fence-board"
      repository_url = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/fence-board"
    }
  }

  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/fence-board-template:1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/fence-board-role" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/fence-board" }
  }

  mock_resource "aws_lb" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/fence-board/1"
      arn_suffix = "app/fence-board/1"
      dns_name   = "fence-board-1.eu-west-1.elb.amazonaws.com"
    }
  }

  mock_resource "aws_lb_target_group" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/fence-board/2"
      arn_suffix = "targetgroup/fence-board/2"
    }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::fence-board-log-1", bucket = "fence-board-log-1" }
  }

  mock_resource "aws_acm_certificate" {
    defaults = {
      arn = "arn:aws:acm:eu-west-1:123456789012:certificate/made"
      domain_validation_options = [{
        domain_name           = "board.example.com"
        resource_record_name  = "_1.board.example.com"
        resource_record_type  = "CNAME"
        resource_record_value = "_2.acm-validations.aws"
      }]
    }
  }
}

variables {
  name                = "fence-board"
  cluster_name        = "fence"
  architecture        = "arm64"
  deletion_protection = true
  log_retention_days  = 30

  task_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"ReadLedger\",\"Effect\":\"Allow\",\"Action\":\"dynamodb:GetItem\",\"Resource\":\"arn:aws:dynamodb:eu-west-1:123456789012:table/ledger\"}]}"

  network = {
    vpc_id            = "vpc-1"
    public_subnet_ids = ["subnet-1", "subnet-2"]
    task_subnet_ids   = ["subnet-3", "subnet-4"]
    task_public_ip    = false
  }
}

run "service" {
  module {
    source = "./modules/service"
  }

  # How it deploys, and goes back.

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "Without the circuit breaker ECS never says FAILED, and without its rollback a bad release stays."
  }

  assert {
    condition     = aws_ecs_service.this.alarms[0].enable && aws_ecs_service.this.alarms[0].rollback && aws_ecs_service.this.alarms[0].alarm_names == toset([aws_cloudwatch_metric_alarm.errors.alarm_name])
    error_message = "A release that is well and fails its visitors must be taken back by its alarm."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.errors.metric_name == "HTTPCode_Target_5XX_Count" &&
      aws_cloudwatch_metric_alarm.errors.dimensions == tomap({ LoadBalancer = "app/fence-board/1", TargetGroup = "targetgroup/fence-board/2" }) &&
      aws_cloudwatch_metric_alarm.errors.treat_missing_data == "notBreaching"
    )
    error_message = "The alarm must count the errors of this service's own tasks, and be silent when there are none."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.errors.period * aws_cloudwatch_metric_alarm.errors.evaluation_periods <= 60
    error_message = "The longer the alarm looks back, the longer every good release waits for its verdict."
  }

  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_maximum_percent == 200
    error_message = "Old tasks stay until new ones are healthy."
  }

  assert {
    condition     = aws_ecs_service.this.availability_zone_rebalancing == "ENABLED"
    error_message = "Tasks must spread over the zones again when one comes back."
  }

  assert {
    condition     = aws_ecs_service.this.force_new_deployment
    error_message = "Without force_new_deployment another share of Spot destroys the service."
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 0
    error_message = "A new service has no image, so it must begin without tasks."
  }

  assert {
    condition     = aws_lb_target_group.this.deregistration_delay == "5" && aws_lb_target_group.this.health_check[0].interval == 5 && aws_lb_target_group.this.health_check[0].healthy_threshold == 2
    error_message = "A rollout is as slow as the balancer makes it."
  }

  # The model of docs/performance.md. Fargate needs about 30 s to bring a task up. ECS then waits for the container's own
  # check, and for one of the balancer's: a target that is new needs no second. The old task is drained and stops at once.
  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html
  assert {
    condition = sum([
      30,
      jsondecode(aws_ecs_task_definition.template.container_definitions)[0].healthCheck.interval,
      aws_lb_target_group.this.health_check[0].interval,
      tonumber(aws_lb_target_group.this.deregistration_delay),
    ]) <= 45
    error_message = "From UpdateService until all is done a rollout must take no more than 45 s, of which 30 s are Fargate's."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.template.container_definitions)[0].stopTimeout <= 10
    error_message = "A program that hangs must not make a rollout wait."
  }

  # Who owns what.

  assert {
    condition     = aws_ecs_task_definition.template.family == "fence-board-template" && output.target.family == "fence-board" && output.target.template == "fence-board-template"
    error_message = "Terraform owns <service>-template and rollouts own <service>."
  }

  assert {
    condition     = aws_ecs_task_definition.template.skip_destroy && aws_ecs_task_definition.template.track_latest != true
    error_message = "A template's older revisions must stay, and what others register must not be looked at."
  }

  assert {
    condition = aws_ecs_service.this.name == "fence-board" && flatten([
      for path in fileset("modules/service", "*.tf") : regexall("ignore_changes\\s*=\\s*([^\\n]*)", file("modules/service/${path}"))
    ]) == ["[task_definition, desired_count]"]
    error_message = "Terraform must look away from the revision that runs and from the number of tasks, and from nothing else."
  }

  # What a task is.

  assert {
    condition = [for container in jsondecode(aws_ecs_task_definition.template.container_definitions) : {
      name        = container.name
      image       = container.image
      locked      = container.readonlyRootFilesystem
      user        = container.user
      check       = container.healthCheck.command
      environment = container.environment
      }] == [{
      name   = "web"
      image  = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/fence-board:placeholder"
      locked = true
      user   = "65532"
      check  = ["CMD", "/service", "healthcheck"]
      environment = [
        { name = "AWS_SDK_UA_APP_ID", value = "fence-board" },
        { name = "PORT", value = "8080" },
      ]
    }]
    error_message = "A template names no release, and its program runs locked in, without root, under a check, and says its name to AWS."
  }

  assert {
    condition     = aws_ecs_task_definition.template.runtime_platform[0].cpu_architecture == "ARM64" && aws_ecs_task_definition.template.network_mode == "awsvpc"
    error_message = "A task must run on the processor that its image was built for."
  }

  # Who can reach it.

  assert {
    condition = [for rule in aws_vpc_security_group_ingress_rule.balancer : { from = rule.cidr_ipv4, ports = [rule.from_port, rule.to_port] }] == [
      { from = "0.0.0.0/0", ports = [80, 80] },
    ]
    error_message = "Without a domain nothing listens on 443, so it must be closed."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.security_group_id == aws_security_group.tasks.id &&
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.referenced_security_group_id == aws_security_group.balancer.id &&
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.cidr_ipv4 == null &&
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.from_port == 8080 &&
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.to_port == 8080
    )
    error_message = "Tasks must hear the balancer, on their one port, and nobody else."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.balancer_to_tasks.referenced_security_group_id == aws_security_group.tasks.id &&
      aws_vpc_security_group_egress_rule.tasks_to_aws.security_group_id == aws_security_group.tasks.id &&
      aws_vpc_security_group_egress_rule.tasks_to_aws.from_port == 443 &&
      aws_vpc_security_group_egress_rule.tasks_to_aws.to_port == 443
    )
    error_message = "The balancer may speak to tasks alone, and tasks may speak HTTPS alone."
  }

  assert {
    condition = (
      aws_ecs_service.this.network_configuration[0].assign_public_ip == false &&
      aws_ecs_service.this.network_configuration[0].subnets == toset(["subnet-3", "subnet-4"]) &&
      aws_ecs_service.this.network_configuration[0].security_groups == toset([aws_security_group.tasks.id]) &&
      aws_lb.this.subnets == toset(["subnet-1", "subnet-2"]) &&
      aws_lb.this.security_groups == toset([aws_security_group.balancer.id])
    )
    error_message = "The balancer stands in the public subnets and tasks in their own, each behind its security group."
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "forward" && length(aws_lb_listener.https) == 0 && output.url == "http://fence-board-1.eu-west-1.elb.amazonaws.com"
    error_message = "Without a domain the balancer serves plain HTTP under its own address."
  }

  assert {
    condition     = aws_lb.this.drop_invalid_header_fields
    error_message = "Requests must not be smuggled in headers that no browser sends."
  }

  # What is kept, and from whom.

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push
    error_message = "A tag means one image for ever, and images are scanned."
  }

  assert {
    condition     = alltrue([for rule in jsondecode(aws_ecr_lifecycle_policy.this.policy).rules : rule.selection.tagStatus == "untagged"])
    error_message = "A tagged image may be the one that runs, or the one that a rollback needs: no rule may delete it."
  }

  assert {
    condition     = aws_lb.this.access_logs[0].enabled && aws_lb.this.access_logs[0].bucket == aws_s3_bucket.access_logs.bucket
    error_message = "Who asked the balancer for what must be written down."
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.access_logs.block_public_acls && aws_s3_bucket_public_access_block.access_logs.block_public_policy &&
      aws_s3_bucket_public_access_block.access_logs.ignore_public_acls && aws_s3_bucket_public_access_block.access_logs.restrict_public_buckets
    )
    error_message = "Access logs name addresses of people: they must not be public."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_server_side_encryption_configuration.access_logs.rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm
    ] == ["AES256"]
    error_message = "Access logs must be encrypted with keys of S3: a balancer cannot use others."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.access_logs.policy).Statement == [
      {
        Sid       = "WriteLogs"
        Effect    = "Allow"
        Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "arn:aws:s3:::fence-board-log-1/AWSLogs/123456789012/*"
      },
      {
        Sid       = "RefusePlainHttp"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:aws:s3:::fence-board-log-1", "arn:aws:s3:::fence-board-log-1/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
    error_message = "Balancers of this account write to the bucket, and nobody comes to it without TLS."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 30 && aws_s3_bucket_lifecycle_configuration.access_logs.rule[0].expiration[0].days == 30 && aws_s3_bucket_lifecycle_configuration.access_logs.rule[0].status == "Enabled"
    error_message = "The service's logs and the balancer's must be forgotten when it was said."
  }

  assert {
    condition     = aws_lb.this.enable_deletion_protection && !aws_ecr_repository.this.force_delete && !aws_s3_bucket.access_logs.force_destroy
    error_message = "Protection must reach the balancer, the repository and the logs."
  }

  # Who may do what, word by word.

  assert {
    condition = jsondecode(aws_iam_role_policy.execution.policy).Statement == [
      {
        Sid      = "LogIn"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "PullImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = "arn:aws:ecr:eu-west-1:123456789012:repository/fence-board"
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/fence-board:*"
      },
    ]
    error_message = "ECS may pull this service's images and write its logs; only the login, for which AWS has no resource, is for all."
  }

  assert {
    condition     = aws_iam_role_policy.task.policy == var.task_policy && aws_iam_role_policy.task.role == aws_iam_role.task.id
    error_message = "The program in the task may do what was said, and nothing else."
  }

  assert {
    condition = alltrue([for role in [aws_iam_role.execution, aws_iam_role.task] : jsondecode(role.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ecs:eu-west-1:123456789012:*" }
      }
    }]])
    error_message = "Only ECS may assume a task's roles, and only for tasks of this account and region."
  }

  assert {
    condition     = length(output.target.role_arns) == 2 && aws_ecs_task_definition.template.execution_role_arn == aws_iam_role.execution.arn && aws_ecs_task_definition.template.task_role_arn == aws_iam_role.task.arn
    error_message = "A service has one role for its tasks and one to start them, and rollouts may pass these two."
  }

  # How many there are, and where.

  assert {
    condition = (
      aws_appautoscaling_target.tasks.resource_id == "service/fence/fence-board" &&
      aws_appautoscaling_target.tasks.min_capacity == 1 && aws_appautoscaling_target.tasks.max_capacity == 4
    )
    error_message = "The number of tasks must stay between its minimum and its maximum."
  }

  assert {
    condition = {
      for goal in aws_appautoscaling_policy.goal :
      goal.target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].predefined_metric_type =>
      coalesce(goal.target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].resource_label, "the service")
      } == {
      ECSServiceAverageCPUUtilization = "the service"
      ALBRequestCountPerTarget        = "app/fence-board/1/targetgroup/fence-board/2"
    }
    error_message = "The number of tasks must follow their CPU and the requests of this service."
  }

  assert {
    condition = alltrue([
      for goal in aws_appautoscaling_policy.goal :
      goal.target_tracking_scaling_policy_configuration[0].scale_out_cooldown < goal.target_tracking_scaling_policy_configuration[0].scale_in_cooldown &&
      goal.target_tracking_scaling_policy_configuration[0].disable_scale_in != true
    ])
    error_message = "Tasks must come faster than they go, and go."
  }

  assert {
    condition     = [for provider in aws_ecs_service.this.capacity_provider_strategy : [provider.capacity_provider, provider.base]] == [["FARGATE", 1]]
    error_message = "Nobody gets Spot who did not ask for it."
  }

  assert {
    condition = output.metrics == {
      cluster       = "fence"
      service       = "fence-board"
      load_balancer = "app/fence-board/1"
      target_group  = "targetgroup/fence-board/2"
    }
    error_message = "Dashboards rely on these names."
  }
}

# A larger template over the same service: it is registered beside the old one, and the service keeps its revision.
run "another_template" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    tasks = { cpu = 512, memory = 1024 }
  }

  assert {
    condition     = aws_ecs_task_definition.template.cpu == "512" && aws_ecs_service.this.task_definition == run.service.template_arn
    error_message = "Terraform changes the template; the revision that runs is `rollout`'s to change."
  }
}

# Under a domain whose zone is in Route 53: for two offices, unprotected, half on Spot.
run "domain" {
  module {
    source = "./modules/service"
  }

  variables {
    domain              = { name = "board.example.com", zone_id = "Z1" }
    allowed_cidrs       = ["192.0.2.0/24", "198.51.100.0/24"]
    tasks               = { minimum = 2, maximum = 6, spot_percent = 50 }
    container           = { port = 9000, variables = { COLOUR = "blue" } }
    rollback_errors     = 50
    deletion_protection = false
  }

  assert {
    condition = (
      aws_lb_listener.http.port == 80 && aws_lb_listener.http.default_action[0].type == "redirect" &&
      one(aws_lb_listener.http.default_action[0].redirect).protocol == "HTTPS" &&
      one(aws_lb_listener.http.default_action[0].redirect).port == "443" &&
      one(aws_lb_listener.http.default_action[0].redirect).status_code == "HTTP_301"
    )
    error_message = "With a domain, plain HTTP leads to HTTPS and serves nothing."
  }

  assert {
    condition = [for listener in aws_lb_listener.https : {
      port = listener.port, policy = listener.ssl_policy, certificate = listener.certificate_arn, action = listener.default_action[0].type
      }] == [{
      port = 443, policy = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/made", action = "forward"
    }]
    error_message = "HTTPS must be served with the certificate that was made for the domain, and no TLS older than 1.2."
  }

  assert {
    condition = (
      aws_acm_certificate.this["board.example.com"].validation_method == "DNS" &&
      aws_route53_record.validation["board.example.com"].zone_id == "Z1" &&
      aws_route53_record.validation["board.example.com"].name == "_1.board.example.com" &&
      aws_route53_record.validation["board.example.com"].records == toset(["_2.acm-validations.aws"])
    )
    error_message = "The certificate must be proved in the domain's own zone."
  }

  assert {
    condition = (
      aws_route53_record.address["board.example.com"].name == "board.example.com" && aws_route53_record.address["board.example.com"].type == "A" &&
      aws_route53_record.address["board.example.com"].alias[0].name == aws_lb.this.dns_name
    )
    error_message = "The domain must lead to the balancer."
  }

  assert {
    condition     = output.url == "https://board.example.com"
    error_message = "People open the board under its domain."
  }

  assert {
    condition = toset([for rule in aws_vpc_security_group_ingress_rule.balancer : "${rule.cidr_ipv4} ${rule.from_port}-${rule.to_port}"]) == toset([
      "192.0.2.0/24 80-80", "192.0.2.0/24 443-443", "198.51.100.0/24 80-80", "198.51.100.0/24 443-443",
    ])
    error_message = "The balancer must hear those who may, and nobody else."
  }

  assert {
    condition     = { for provider in aws_ecs_service.this.capacity_provider_strategy : provider.capacity_provider => [provider.weight, provider.base] } == { FARGATE = [50, 1], FARGATE_SPOT = [50, 0] }
    error_message = "The first task stands on capacity that nobody takes away; the rest is shared as was said."
  }

  assert {
    condition = (
      one(aws_ecs_service.this.load_balancer).container_port == 9000 &&
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.from_port == 9000 &&
      contains(jsondecode(aws_ecs_task_definition.template.container_definitions)[0].environment, { name = "COLOUR", value = "blue" }) &&
      contains(jsondecode(aws_ecs_task_definition.template.container_definitions)[0].environment, { name = "PORT", value = "9000" })
    )
    error_message = "A container is told its port, and is reached there and nowhere else."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.errors.threshold == 50
    error_message = "How many errors take a release back is the owner's to say."
  }

  assert {
    condition     = !aws_lb.this.enable_deletion_protection && aws_ecr_repository.this.force_delete && aws_s3_bucket.access_logs.force_destroy
    error_message = "What is not protected must go without a step by hand."
  }
}

# Under a domain whose certificate is the owner's, all on Spot.
run "certificate" {
  module {
    source = "./modules/service"
  }

  variables {
    domain = { name = "board.example.com", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/given" }
    tasks  = { spot_percent = 100 }
  }

  assert {
    condition = (
      [for listener in aws_lb_listener.https : listener.certificate_arn] == ["arn:aws:acm:eu-west-1:123456789012:certificate/given"] &&
      aws_lb_listener.http.default_action[0].type == "redirect"
    )
    error_message = "HTTPS must be served with the certificate that was given, and HTTP lead to it."
  }

  assert {
    condition     = length(aws_acm_certificate.this) == 0 && length(aws_route53_record.validation) == 0 && length(aws_route53_record.address) == 0
    error_message = "With a certificate of the owner's, DNS is the owner's too."
  }

  assert {
    condition     = [for provider in aws_ecs_service.this.capacity_provider_strategy : [provider.capacity_provider, provider.base]] == [["FARGATE_SPOT", 0]]
    error_message = "All on Spot is all on Spot."
  }
}

# What is refused, with a sentence that says why.

run "refusals" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    name               = "a-name-of-more-than-thirty-two-letters"
    cluster_name       = "arn:aws:ecs:eu-west-1:123456789012:cluster/fence"
    allowed_cidrs      = ["0.0.0.0"]
    architecture       = "arm"
    tasks              = { minimum = 3, maximum = 2, spot_percent = 101, cpu = 256, memory = 4096, cpu_goal = 100 }
    container          = { port = 80, health_path = "healthz", health_command = [], start_seconds = 301 }
    task_policy        = "{}"
    domain             = { name = "board.example.com" }
    rollback_errors    = 0
    log_retention_days = 31

    network = {
      vpc_id            = "10.0.0.0/16"
      public_subnet_ids = ["subnet-1", "subnet-1"]
      task_subnet_ids   = []
      task_public_ip    = false
    }
  }

  expect_failures = [
    var.name, var.cluster_name, var.allowed_cidrs, var.architecture, var.tasks, var.container, var.task_policy, var.domain,
    var.rollback_errors, var.log_retention_days, var.network,
  ]
}

run "a_domain_with_two_certificates" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    domain = { name = "board.example.com", zone_id = "Z1", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/given" }
  }

  expect_failures = [var.domain]
}

run "a_task_of_no_size_that_fargate_has" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    tasks = { cpu = 8192, memory = 17408 }
  }

  expect_failures = [var.tasks]
}

run "nobody_may_come" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    allowed_cidrs = []
  }

  expect_failures = [var.allowed_cidrs]
}
