//! The rules that the promises rest on. Each can be broken, to see that some promise notices.

/// One rule. It is broken where it stands in the model: in a conditional write, in what a decision is given, in what
/// is done with its answer, or in a step of the shell that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A head is written only over the version that was read.
    HeadVersion,
    /// A claim item is written only where there is none.
    ClaimOnce,
    /// A digest claims one rollout, whatever becomes of it.
    Claims,
    /// The older rollout gets its verdict in the transaction of the newer claim.
    SupersedeInClaim,
    /// A verdict is written only where there is none.
    VerdictOnce,
    /// A step is noted only of an open rollout.
    NoteOpenOnly,
    /// Only a push moves the newest release.
    NewestByPush,
    /// A push rolls out only what is newer than the newest.
    IsNewer,
    /// What has failed stays out.
    StaysOut,
    /// A held target leaves pushes alone.
    Held,
    /// Only the completion of a rollout's own deployment is its success.
    OwnCompletion,
    /// The completion of what a rollout goes back to is its rollback only once ECS has given it up.
    FailsFirst,
    /// What ECS showed a moment after the update is not believed.
    Settling,
    /// The newer rollout inherits what the older would go back to.
    Inherits,
    /// Whoever was superseded while it deployed puts the newer one back.
    GivesWay,
    /// Whoever put a rollout back that has ended meanwhile looks again.
    GivesWayAgain,
    /// `rollout`'s sweep looks after the open rollout.
    SweepsOpen,
    /// `rollout`'s sweep looks for images that nobody told of.
    SweepsImages,
    /// `verdict`'s sweep asks ECS.
    SweepsVerdicts,
    /// Whoever gives way when the newer rollout has ended, or is failing, puts back what is live.
    GivesWayToLive,
    /// `rollout`'s sweep puts the open rollout back, or what is live, where neither runs and ECS did not go back.
    PutsBack,
    /// The sweeps ask ECS's history whether the rollout's own deployment has failed.
    AsksHistory,
    /// Of a rollout that ECS has given up, whatever release has completed since is what was gone back to.
    AnyBack,
    /// `verdict`'s sweep writes down as live what ECS has completed after the rollout had its verdict.
    LiveFollows,
    /// A claim notes the deployment of what is live as what ECS goes back to.
    BackIsLive,
    /// A deployment that has failed and is still the service's own has nothing to go back to.
    StuckIsFailed,
}
