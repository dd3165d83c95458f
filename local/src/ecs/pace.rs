use std::time::Duration;

/// How fast the clock of the service scheduler goes. Amazon ECS thinks in tens of seconds, a laptop need not;
/// the order of things is the same at every pace.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How often the scheduler looks at its services.
    pub scheduler_tick: Duration,
    /// The time between two health checks of one task.
    pub health_interval: Duration,
    /// So many good checks in a row make a task healthy.
    pub healthy_after: u32,
    /// So many bad checks in a row make a task unhealthy.
    pub unhealthy_after: u32,
    /// How long a new task may fail its checks; stands for `healthCheckGracePeriodSeconds`, which would be waited out
    /// in real seconds otherwise.
    pub grace_period: Duration,
    /// How long a deregistered target goes on with the requests that it has before it is told to stop.
    pub deregistration_delay: Duration,
    /// The time between SIGTERM and SIGKILL.
    pub stop_timeout: Duration,
    /// The pause after a first failed task; doubles with every further one, up to 32 times.
    pub restart_delay: Duration,
    /// How often a service that stands still says so.
    pub steady_interval: Duration,
    /// How often the alarms of a running deployment are looked at.
    pub alarm_interval: Duration,
}

impl Pace {
    /// For a person who watches: a whole rollout takes two to four seconds.
    pub fn laptop() -> Pace {
        Pace {
            scheduler_tick: Duration::from_millis(50),
            health_interval: Duration::from_millis(250),
            healthy_after: 2,
            unhealthy_after: 4,
            grace_period: Duration::from_secs(5),
            deregistration_delay: Duration::from_secs(1),
            stop_timeout: Duration::from_secs(5),
            restart_delay: Duration::from_millis(200),
            steady_interval: Duration::from_secs(600),
            alarm_interval: Duration::from_millis(250),
        }
    }

    /// For tests: everything in tens of milliseconds.
    pub fn instant() -> Pace {
        Pace {
            scheduler_tick: Duration::from_millis(5),
            health_interval: Duration::from_millis(15),
            healthy_after: 2,
            unhealthy_after: 3,
            grace_period: Duration::from_millis(500),
            deregistration_delay: Duration::from_millis(20),
            stop_timeout: Duration::from_millis(500),
            restart_delay: Duration::from_millis(5),
            steady_interval: Duration::from_secs(600),
            alarm_interval: Duration::from_millis(10),
        }
    }

    /// How long to wait before the next start after `failures` failed tasks in a row.
    pub(super) fn back_off(&self, failures: u32) -> Duration {
        self.restart_delay * 2_u32.pow(failures.saturating_sub(1).min(5))
    }

    /// How long a task without a load balancer must live to count as healthy.
    pub(super) fn trial(&self) -> Duration {
        self.health_interval * self.healthy_after
    }
}
