data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  # The container whose image rollouts replace.
  container = "web"

  # Rollouts read this family and write the one named as the service. So neither ever overwrites the other's work.
  template = "${var.name}-template"
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158:CloudWatch encrypts at rest by itself; a key of our own costs $1 a month and keeps out nobody whom IAM lets in.
  # checkov:skip=CKV_AWS_338:How long logs are kept is a setting, and a year is not the sane default.
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
}

# The template: everything about a task but the image. Terraform never decides the image; `rollout` copies the newest
# revision of this family, puts the release's image into the container and registers that under the service's name.
resource "aws_ecs_task_definition" "template" {
  family                   = local.template
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.tasks.cpu
  memory                   = var.tasks.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  # A new template must not deregister the one before: a service that never had a release still points at it.
  # Default: false.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = upper(var.architecture)
  }

  container_definitions = jsonencode([{
    name      = local.container
    image     = "${aws_ecr_repository.this.repository_url}:placeholder"
    essential = true

    # The image has no shell and needs no place to write; its user has no name, only a number.
    readonlyRootFilesystem = true
    user                   = "65532"

    portMappings = [{ containerPort = var.container.port, hostPort = var.container.port, protocol = "tcp" }]

    environment = [for name in sort(keys(local.variables)) : { name = name, value = local.variables[name] }]

    # The program asks itself: there is no shell and no curl to do it. Two failures of 2 s each, 5 s apart, once it
    # had its time to start. Defaults: every 30 s, 5 s, three times, no time.
    healthCheck = {
      command     = concat(["CMD"], var.container.health_command)
      interval    = 5
      timeout     = 2
      retries     = 2
      startPeriod = var.container.start_seconds
    }

    # Between SIGTERM and SIGKILL, in seconds. The balancer has stopped sending five seconds before, and the program ends
    # when its last answer is out, so this is for one that hangs: a rollout waits no longer for it. Default: 30.
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    stopTimeout = 10

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = local.region
        awslogs-stream-prefix = local.container
        # A slow CloudWatch costs lines and never a request.
        mode = "non-blocking"
      }
    }
  }])
}

locals {
  # The port, and a name that AWS's SDKs put into every call, so that CloudTrail tells who called.
  # https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html
  variables = merge(
    { PORT = tostring(var.container.port), AWS_SDK_UA_APP_ID = var.name },
    var.container.url_variable == null ? {} : { (var.container.url_variable) = local.url },
    var.container.balancer_variable == null ? {} : { (var.container.balancer_variable) = aws_lb.this.arn },
    var.container.variables,
  )
}
