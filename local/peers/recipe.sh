#!/usr/bin/env bash
# The recipe that most pipelines have: copy the task definition that runs, change the image, register, update, wait.
#
#   recipe.sh CLUSTER SERVICE CONTAINER IMAGE
set -euo pipefail

cluster=$1 service=$2 container=$3 image=$4

current=$(aws ecs describe-services --cluster "$cluster" --services "$service" \
  --query 'services[0].taskDefinition' --output text)
definition=$(aws ecs describe-task-definition --task-definition "$current" --query taskDefinition --output json |
  jq --arg container "$container" --arg image "$image" '
    .containerDefinitions |= map(if .name == $container then .image = $image else . end)
    | del(.taskDefinitionArn, .revision, .status, .requiresAttributes, .compatibilities, .registeredAt, .registeredBy)')
revision=$(aws ecs register-task-definition --cli-input-json "$definition" \
  --query taskDefinition.taskDefinitionArn --output text)
aws ecs update-service --cluster "$cluster" --service "$service" --task-definition "$revision" > /dev/null
aws ecs wait services-stable --cluster "$cluster" --services "$service"
