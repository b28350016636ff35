//! Cohorts: users grouped by what they are like.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use database::now;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, AnswerWith, Json, Path, Problem};
use utoipa::ToSchema;

use super::Segmentation;
use crate::{
    SegmentationConfig,
    cohorts::{Cohort, Ungrouped, Wanted, group},
    features::Profile,
    store::{Kept, Saved},
    tuning,
};

/// The longest id of a user, in bytes.
const LONGEST_ID: usize = 128;

/// The longest name of a feature, in bytes.
const LONGEST_NAME: usize = 64;

/// Users to group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Users {
    #[schema(min_items = 1)]
    users: Vec<User>,
    /// How many cohorts to make; otherwise the configured number, or the best one.
    #[schema(minimum = 1, maximum = 32)]
    k: Option<u32>,
}

/// A user and what is known of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct User {
    #[schema(min_length = 1, max_length = 128)]
    user_id: String,
    /// Numbers by name; every user needs the same ones.
    features: BTreeMap<String, f64>,
}

/// A clustering and its cohorts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cohorts {
    /// `null` as long as no users were grouped.
    clustering: Option<Saved>,
    cohorts: Vec<Cohort>,
}

/// A user's place among the cohorts of the newest clustering.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserCohort {
    user_id: String,
    cohort: String,
    /// Distance to the own cohort's centroid.
    distance: f64,
    /// All cohorts, nearest first.
    distances: Vec<Distance>,
    /// The clustering's id.
    clustering: i64,
    #[schema(value_type = String, format = DateTime)]
    time: jiff::Timestamp,
}

/// How far a user is from a cohort.
#[derive(Debug, Serialize, ToSchema)]
struct Distance {
    cohort: String,
    /// In standard deviations, over all features together.
    distance: f64,
}

/// Groups users into cohorts and keeps the result.
#[utoipa::path(
    post,
    path = "/api/v1/segmentation/cohorts",
    tag = "segmentation",
    summary = "Groups users into cohorts",
    request_body = Users,
    responses(
        (status = 201, body = Cohorts),
        (status = 413, description = "Too many users or features"),
        (status = 422, description = "A field is missing or will not do"),
        (status = 503, description = "All places for computations are taken"),
    )
)]
pub(super) async fn group_users(
    State(segmentation): State<Arc<Segmentation>>,
    Json(Users { users, k }): Json<Users>,
) -> Result<AnswerWith<Cohorts>, Problem> {
    let config = &segmentation.config;
    check(&users, config)?;
    let wanted = wanted(k, &segmentation).await?;
    let profiles: Vec<Profile> = users.into_iter().map(Profile::from).collect();
    let seed = config.seed;
    let work = move || group(&profiles, wanted, seed, now());
    let grouping = segmentation.jobs.run(work).await?.map_err(refusal)?;
    let cohorts = grouping.cohorts.clone();
    let clustering = Some(segmentation.records.save(grouping).await?);
    Ok(Answer::created(Cohorts {
        clustering,
        cohorts,
    }))
}

/// Shows the cohorts of the newest clustering.
#[utoipa::path(
    get,
    path = "/api/v1/segmentation/cohorts",
    tag = "segmentation",
    summary = "Shows the newest cohorts",
    responses((status = 200, body = Cohorts))
)]
pub(super) async fn cohorts(
    State(segmentation): State<Arc<Segmentation>>,
) -> Result<Answer<Cohorts>, Problem> {
    let (clustering, cohorts) = match segmentation.records.newest().await? {
        Some(Kept { saved, cohorts }) => (Some(saved), cohorts),
        None => (None, Vec::new()),
    };
    Ok(Answer(Cohorts {
        clustering,
        cohorts,
    }))
}

/// Shows a user's cohort in the newest clustering, and the distance to every other.
#[utoipa::path(
    get,
    path = "/api/v1/segmentation/cohorts/{userId}",
    tag = "segmentation",
    summary = "Shows a user's cohort",
    params(("userId" = String, Path, description = "The user's id")),
    responses(
        (status = 200, body = UserCohort),
        (status = 404, description = "The newest clustering has no such user"),
    )
)]
pub(super) async fn user_cohort(
    State(segmentation): State<Arc<Segmentation>>,
    Path(user_id): Path<String>,
) -> Result<Answer<UserCohort>, Problem> {
    let Some(place) = segmentation.records.member(&user_id).await? else {
        let detail = "the newest clustering has no user with this `userId`";
        return Err(Problem::not_found("unknown_user", detail));
    };
    let distances: Vec<Distance> = place
        .member
        .nearest_first()
        .into_iter()
        .map(|(cohort, distance)| Distance {
            cohort: cohort.to_owned(),
            distance,
        })
        .collect();
    Ok(Answer(UserCohort {
        distance: place.member.distances[&place.member.cohort],
        user_id: place.member.user_id,
        cohort: place.member.cohort,
        distances,
        clustering: place.saved.id,
        time: place.saved.run.time,
    }))
}

impl From<User> for Profile {
    fn from(User { user_id, features }: User) -> Self {
        Self { user_id, features }
    }
}

async fn wanted(k: Option<u32>, segmentation: &Segmentation) -> Result<Wanted, Problem> {
    let size = |k: u32| usize::try_from(k).expect("a checked number of cohorts is small");
    if let Some(k) = k {
        let k = tuning::cohorts(k)
            .map_err(|error| Problem::unprocessable("invalid_k", error.to_string()))?;
        return Ok(Wanted::Exactly(size(k)));
    }
    Ok(match segmentation.records.tuning().await?.k {
        Some(k) => Wanted::UpTo(size(k)),
        None => Wanted::Best(segmentation.config.max_cohorts.get()),
    })
}

fn check(users: &[User], config: &SegmentationConfig) -> Result<(), Problem> {
    let too_large = |code, detail| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, code, detail);
    let most = config.max_users.get();
    if users.len() > most {
        let detail = format!("`users` holds {}, at most {most} are allowed", users.len());
        return Err(too_large("too_many_users", detail));
    }
    let most = config.max_features.get();
    for (index, User { user_id, features }) in users.iter().enumerate() {
        if user_id.is_empty() || user_id.len() > LONGEST_ID || user_id.contains('\0') {
            let detail = format!(
                "`users[{index}].userId` must have from 1 to {LONGEST_ID} bytes, none of them NUL"
            );
            return Err(Problem::unprocessable("invalid_user_id", detail));
        }
        if features.len() > most {
            let detail = format!(
                "`users[{index}].features` holds {}, at most {most} are allowed",
                features.len()
            );
            return Err(too_large("too_many_features", detail));
        }
        if features
            .keys()
            .any(|name| name.is_empty() || name.len() > LONGEST_NAME)
        {
            let detail = format!(
                "every name in `users[{index}].features` must have from 1 to {LONGEST_NAME} bytes"
            );
            return Err(Problem::unprocessable("invalid_feature", detail));
        }
    }
    Ok(())
}

fn refusal(error: Ungrouped) -> Problem {
    match error {
        Ungrouped::Unusable(why) => Problem::unprocessable("unusable_features", why.to_string()),
        Ungrouped::TooMany { distinct } => Problem::unprocessable(
            "too_many_cohorts",
            format!("`k` must be at most {distinct}, the number of users that differ"),
        ),
        Ungrouped::Failed(error) => {
            tracing::error!(%error, "k-means found no clustering");
            Problem::internal("no_clustering", "k-means found no clustering")
        }
    }
}
