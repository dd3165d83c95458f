//! The only file that calls ECS.
//!
//! Task definitions travel as raw JSON: see [`crate::task_definition`] for why.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionError;
use aws_sdk_ecs::types::{
    Deployment as EcsDeployment, Service as EcsService, ServiceDeploymentStatus,
    TaskDefinitionField,
};
use aws_smithy_types::body::SdkBody;
use ledger::transition::{Deployment, Progress};
use ledger::{DeploymentId, RevisionArn, ServiceKey, Tasks};
use serde_json::Value;
use wire::{Lazy, SdkConfig};

/// How often a registration is tried that ECS refuses for another one under way.
const REGISTRATIONS: u32 = 6;

/// So many service revisions ECS describes in one call.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceRevisions.html>
const DESCRIBED: i32 = 20;

/// ECS.
#[derive(Clone, Debug)]
pub struct Ecs(Lazy<Client>);

/// What ECS says to a task definition.
#[derive(Clone, Debug, PartialEq)]
pub enum Registered {
    /// It is this revision.
    As(RevisionArn),
    /// It is none, in ECS's words.
    Refused(String),
}

/// What ECS says about a service, as far as we use it.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Whether it is `ACTIVE`.
    pub active: bool,
    /// How it is deployed: `ECS` for rolling updates; `CODE_DEPLOY`, `EXTERNAL` or a strategy otherwise.
    pub deployed_by: String,
    /// How many tasks it shall have.
    pub desired_count: i32,
    /// Whether the circuit breaker is on and goes back.
    pub rolls_back: bool,
    /// Its deployments.
    pub deployments: Vec<Deployment>,
}

impl Service {
    /// The deployment that ECS works on or worked on last.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|it| it.primary)
    }

    /// The deployment that ECS goes back to if the one that it works on fails.
    pub fn before(&self) -> Option<&Deployment> {
        let mut deployments = self.deployments.iter();
        deployments.find(|it| !it.primary && it.progress == Progress::Completed)
    }
}

impl Ecs {
    /// A client with the settings of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Ecs(Lazy::new(config, Client::new))
    }

    /// What ECS says about a service; `None` if it does not know it.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>
    pub async fn service(&self, key: &ServiceKey) -> Result<Option<Service>> {
        let answer = self
            .0
            .describe_services()
            .cluster(key.cluster())
            .services(key.service())
            .send()
            .await
            .with_context(|| format!("cannot describe the service {key}"))?;
        answer.services().first().map(parse_service).transpose()
    }

    /// Whether ECS has given up a deployment of `revision` and gone back, by what it remembers of the service's newest
    /// deployments. A deployment's record names a revision of the service, and only that the task definition.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>
    pub async fn gave_up(&self, key: &ServiceKey, revision: &RevisionArn) -> Result<bool> {
        use ServiceDeploymentStatus::{
            RollbackFailed, RollbackInProgress, RollbackRequested, RollbackSuccessful,
        };
        let listed = self
            .0
            .list_service_deployments()
            .cluster(key.cluster())
            .service(key.service())
            .status(RollbackRequested)
            .status(RollbackInProgress)
            .status(RollbackSuccessful)
            .status(RollbackFailed)
            .max_results(DESCRIBED)
            .send()
            .await
            .with_context(|| format!("cannot list the deployments of {key}"))?;
        let revisions: Vec<String> = listed
            .service_deployments()
            .iter()
            .filter_map(|it| it.target_service_revision_arn().map(str::to_owned))
            .collect();
        if revisions.is_empty() {
            return Ok(false);
        }
        let described = self
            .0
            .describe_service_revisions()
            .set_service_revision_arns(Some(revisions))
            .send()
            .await
            .with_context(|| format!("cannot describe the revisions of {key}"))?;
        let mut definitions = described.service_revisions().iter();
        Ok(definitions.any(|it| it.task_definition() == Some(revision.as_str())))
    }

    /// The newest active revision of a family, tags included, as ECS answers it.
    pub async fn template(&self, family: &str) -> Result<Value> {
        let template = self.newest(family).await?;
        template.with_context(|| format!("ECS knows no template {family}"))
    }

    /// The same, or nothing if the family has none.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html>
    pub async fn newest(&self, family: &str) -> Result<Option<Value>> {
        let capture = Capture::default();
        let answer = self
            .0
            .describe_task_definition()
            .task_definition(family)
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(capture.clone())
            .send()
            .await;
        match answer {
            Ok(_) => {}
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_client_exception()) =>
            {
                return Ok(None);
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot describe the family {family}"));
            }
        }
        let body = capture.take().context("ECS answered nothing")?;
        let answer = serde_json::from_slice(&body);
        answer.with_context(|| format!("the answer about the family {family} is no JSON"))
    }

    /// Registers a task definition, given as the whole body of the call. ECS refuses what is wrong with it; that it cannot be
    /// asked, or that we may not, is an error.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
    pub async fn register(&self, definition: &Value) -> Result<Registered> {
        let family = definition["family"].as_str().unwrap_or_default();
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.register_once(family, definition.to_string()).await {
                Ok(arn) => return RevisionArn::parse(&arn.unwrap_or_default()).map(Registered::As),
                Err(error) => error,
            };
            let told = error.message().unwrap_or_default().to_owned();
            // ECS answers with status 400 here, which the SDK does not take for a reason to try again.
            // Source: <https://github.com/cloudposse/terraform-aws-ecs-alb-service-task/issues/258>
            let is_busy = told.contains("Too many concurrent attempts");
            if is_busy && tries < REGISTRATIONS {
                let most = 100 * 2_u64.pow(tries);
                tokio::time::sleep(Duration::from_millis(fastrand::u64(50..=most))).await;
                continue;
            }
            // A role that is not there is something wrong, one that we may not pass is AccessDeniedException.
            // Sources: <https://github.com/fabfuel/ecs-deploy/issues/231>,
            // <https://github.com/wellcomecollection/platform/issues/374>
            let is_wrong = error
                .as_service_error()
                .is_some_and(|it| it.is_client_exception() || it.is_invalid_parameter_exception());
            if is_wrong && !is_busy {
                let words = format!("ECS refuses the task definition: {told}");
                return Ok(Registered::Refused(words));
            }
            return Err(error).with_context(|| format!("cannot register {family}: {told}"));
        }
    }

    async fn register_once(
        &self,
        family: &str,
        body: String,
    ) -> Result<Option<String>, SdkError<RegisterTaskDefinitionError>> {
        let registered = self
            .0
            .register_task_definition()
            .family(family)
            .set_container_definitions(Some(Vec::new()))
            .customize()
            // This runs before signing and on every attempt, so the signature covers the body that is sent.
            .mutate_request(move |request| {
                request
                    .headers_mut()
                    .insert("content-length", body.len().to_string());
                *request.body_mut() = SdkBody::from(body.clone());
            })
            .send()
            .await?;
        Ok(registered
            .task_definition
            .and_then(|definition| definition.task_definition_arn))
    }

    /// Makes a revision the service's own, and returns the service as it is then, with the deployment that this
    /// began. The desired count is left alone unless given: it belongs to autoscaling.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
    pub async fn update(
        &self,
        key: &ServiceKey,
        revision: &RevisionArn,
        desired_count: Option<i32>,
    ) -> Result<Service> {
        let answer = self
            .0
            .update_service()
            .cluster(key.cluster())
            .service(key.service())
            .task_definition(revision.as_str())
            .set_desired_count(desired_count)
            .send()
            .await
            .with_context(|| format!("cannot update the service {key} to {revision}"))?;
        let service = answer
            .service
            .with_context(|| format!("UpdateService answered nothing about {key}"))?;
        parse_service(&service)
    }
}

fn parse_service(service: &EcsService) -> Result<Service> {
    let configuration = service.deployment_configuration();
    let controller = service
        .deployment_controller()
        .map_or("ECS", |controller| controller.r#type().as_str());
    let strategy = configuration
        .and_then(|configuration| configuration.strategy())
        .map_or("ROLLING", |strategy| strategy.as_str());
    let deployed_by = match (controller, strategy) {
        ("ECS", "ROLLING") => "ECS",
        ("ECS", other) | (other, _) => other,
    };
    let breaker =
        configuration.and_then(|configuration| configuration.deployment_circuit_breaker());
    Ok(Service {
        active: service.status() == Some("ACTIVE"),
        deployed_by: deployed_by.to_owned(),
        desired_count: service.desired_count(),
        rolls_back: breaker.is_some_and(|breaker| breaker.enable() && breaker.rollback()),
        deployments: service
            .deployments()
            .iter()
            .map(parse_deployment)
            .collect::<Result<_>>()?,
    })
}

fn parse_deployment(deployment: &EcsDeployment) -> Result<Deployment> {
    let state = deployment.rollout_state().map(|state| state.as_str());
    let progress = match state {
        Some("COMPLETED") => Progress::Completed,
        Some("FAILED") => Progress::Failed,
        _ => Progress::InProgress,
    };
    Ok(Deployment {
        id: DeploymentId::parse(deployment.id().unwrap_or_default())?,
        definition: deployment.task_definition().unwrap_or_default().to_owned(),
        primary: deployment.status() == Some("PRIMARY"),
        progress,
        reason: deployment
            .rollout_state_reason()
            .unwrap_or_default()
            .to_owned(),
        tasks: Tasks {
            running: deployment.running_count().try_into().unwrap_or(0),
            desired: deployment.desired_count().try_into().unwrap_or(0),
        },
    })
}

/// Keeps an answer's body as it came. The body can be read only after it was deserialized: before, it is still
/// a stream over a real connection.
#[derive(Clone, Debug, Default)]
struct Capture(Arc<Mutex<Option<Vec<u8>>>>);

impl Capture {
    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().ok()?.take()
    }
}

impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "capture"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(mut kept) = self.0.lock() {
            *kept = context.response().body().bytes().map(<[u8]>::to_vec);
        }
        Ok(())
    }
}
