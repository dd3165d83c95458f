# A changed template rolls out with the apply that changed it. Terraform registers the template and leaves the service
# alone, so nothing would happen until the next push; here it asks `rollout`, as people do by the board or the command
# line, to bring the image that runs now under the new template.
#
# It calls the function itself and puts no event on the bus, because an apply should not end well before the request
# was heard: `rollout` answers when the deployment has begun, and its error is the error of the apply. Then nothing is
# kept in the state, and the next plan shows the call again.
#
# The call is made when its input changes, which is with each revision of a template, and never otherwise: not by a
# second apply, and not by destroy (`lifecycle_scope` is CREATE_ONLY, the default).
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lambda_invocation
resource "aws_lambda_invocation" "template" {
  for_each = var.templates

  # By the output that waits for the function's rights. On the very first apply those are minutes older than this, since
  # the service waits for its balancer, and IAM needs seconds to know them everywhere.
  function_name = module.rollout.name

  # The event that EventBridge would bring, without its `time`: that would differ in every plan, and call every time.
  input = jsonencode({
    version     = "0"
    source      = "couplet"
    detail-type = "Rollout Requested"
    account     = local.account
    region      = local.region
    resources   = []

    # A request is carried out once, whatever calls again: an apply after one that broke off half-way, or the SDK that
    # lost an answer. The ledger knows it by this id.
    id = "template/${each.value}"

    # Where nothing runs yet the answer is "ignored", and the apply goes on: the first push takes the newest template.
    detail = {
      action = "redeploy"
      target = each.key
      by     = "terraform"
      why    = "template ${element(split("/", each.value), 1)}"
    }
  })

  # What this starts must be heard to its end.
  depends_on = [aws_cloudwatch_event_target.function, aws_lambda_permission.rule]
}
