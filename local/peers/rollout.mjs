// The same rollout as ours, call by call, as one would write it for Node. The loop below stands for Lambda's own, which
// cannot be had without compiling it; it does less, which flatters Node.

import http from "node:http";
import { BatchGetItemCommand, DynamoDBClient, QueryCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { BatchGetImageCommand, DescribeImagesCommand, ECRClient } from "@aws-sdk/client-ecr";
import {
  DescribeServicesCommand,
  DescribeTaskDefinitionCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  UpdateServiceCommand,
} from "@aws-sdk/client-ecs";

const TABLE = process.env.COUPLET_LEDGER_TABLE;
const dynamodb = new DynamoDBClient({});
const ecr = new ECRClient({});
const ecs = new ECSClient({});

const text = (value) => ({ S: value });

async function handler(event) {
  const image = event.detail;
  const [repository, digest, tag] = [image["repository-name"], image["image-digest"], image["image-tag"]];
  const found = await dynamodb.send(new QueryCommand({
    TableName: TABLE,
    ConsistentRead: true,
    KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
    ExpressionAttributeValues: { ":pk": text("targets"), ":prefix": text(`${repository}#`) },
  }));
  const outcomes = [];
  for (const target of found.Items) outcomes.push(await rollOut(target, repository, digest, tag));
  return outcomes;
}

async function rollOut(target, repository, digest, tag) {
  const [cluster, service] = [target.cluster.S, target.service.S];
  const pk = text(`target#${cluster}/${service}`);
  const images = await ecr.send(new DescribeImagesCommand({ repositoryName: repository, imageIds: [{ imageTag: tag }] }));
  const keys = [{ pk, sk: text("head") }, { pk, sk: text(`claim#${digest}`) }];
  const [head] = await get(keys);
  await get([{ pk, sk: text(`rollout#${head.live.M.rollout.S}`) }]);
  await ecs.send(new DescribeServicesCommand({ cluster, services: [service] }));
  const described = await ecs.send(new DescribeTaskDefinitionCommand({
    taskDefinition: target.template.S,
    include: ["TAGS"],
  }));
  await ecr.send(new BatchGetImageCommand({ repositoryName: repository, imageIds: [{ imageDigest: digest }] }));

  const now = new Date().toISOString();
  const rollout = `${now.replace(/[-:.]/g, "")}-${digest.slice(7, 19)}`;
  const item = { pk, sk: text(`rollout#${rollout}`), claimed_at: text(now), tag: text(tag) };
  const moved = {
    ...head,
    version: { N: String(Number(head.version.N) + 1) },
    in_flight: text(rollout),
    pushed_at: text(images.imageDetails[0].imagePushedAt.toISOString()),
  };
  await dynamodb.send(new TransactWriteItemsCommand({
    TransactItems: [
      { Put: { TableName: TABLE, Item: { ...keys[1], rollout: text(rollout) }, ConditionExpression: "attribute_not_exists(pk)" } },
      { Put: { TableName: TABLE, Item: item, ConditionExpression: "attribute_not_exists(pk)" } },
      {
        Put: {
          TableName: TABLE,
          Item: moved,
          ConditionExpression: "version = :seen",
          ExpressionAttributeValues: { ":seen": head.version },
        },
      },
    ],
  }));

  const { cpu, memory, networkMode, requiresCompatibilities, executionRoleArn, taskRoleArn, runtimePlatform } =
    described.taskDefinition;
  const containerDefinitions = described.taskDefinition.containerDefinitions.map((container) =>
    container.name === target.container.S
      ? { ...container, image: `${container.image.split(":")[0]}@${digest}` }
      : container
  );
  const registered = await ecs.send(new RegisterTaskDefinitionCommand({
    family: target.family.S,
    tags: [{ key: "couplet:rollout", value: rollout }],
    containerDefinitions,
    cpu, memory, networkMode, requiresCompatibilities, executionRoleArn, taskRoleArn, runtimePlatform,
  }));
  const revision = registered.taskDefinition.taskDefinitionArn;
  await note(item, "revision", revision);
  const updated = await ecs.send(new UpdateServiceCommand({ cluster, service, taskDefinition: revision }));
  const deployment = updated.service.deployments[0].id;
  await note(item, "deployment", deployment);
  console.log(JSON.stringify({ message: `rolling out ${tag}`, rollout, deployment }));
  return { rollout, deployment };
}

async function get(keys) {
  const found = await dynamodb.send(new BatchGetItemCommand({
    RequestItems: { [TABLE]: { Keys: keys, ConsistentRead: true } },
  }));
  return found.Responses[TABLE];
}

async function note(item, name, value) {
  await dynamodb.send(new TransactWriteItemsCommand({
    TransactItems: [{
      Update: {
        TableName: TABLE,
        Key: { pk: item.pk, sk: item.sk },
        UpdateExpression: `SET ${name} = :value`,
        ConditionExpression: "attribute_exists(pk) AND attribute_not_exists(verdict)",
        ExpressionAttributeValues: { ":value": text(value) },
      },
    }],
  }));
}

const agent = new http.Agent({ keepAlive: true });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const options = { host, port, method, path: `/2018-06-01/runtime/invocation/${path}`, agent };
    const request = http.request(options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve([response.headers, Buffer.concat(parts).toString()]));
    });
    request.on("error", reject);
    request.end(body);
  });
}

for (;;) {
  const [headers, event] = await call("GET", "next");
  const id = headers["lambda-runtime-aws-request-id"];
  try {
    await call("POST", `${id}/response`, JSON.stringify(await handler(JSON.parse(event))));
  } catch (error) {
    await call("POST", `${id}/error`, JSON.stringify({ errorMessage: String(error), errorType: error.name }));
  }
}
