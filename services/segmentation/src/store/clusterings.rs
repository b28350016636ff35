//! Clusterings in the database.

use database::{Query, StoreError, Transaction};
use serde::Serialize;
use utoipa::ToSchema;

use super::json;
use crate::cohorts::{Cohort, Grouping, Member, Run};

/// A clustering without its cohorts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Saved {
    /// Counts up from 1.
    pub(crate) id: i64,
    #[serde(flatten)]
    pub(crate) run: Run,
}

/// A clustering and its cohorts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) saved: Saved,
    pub(crate) cohorts: Vec<Cohort>,
}

/// A user in a clustering.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) saved: Saved,
    pub(crate) member: Member,
}

/// Keeps a clustering, and forgets all but the newest `kept`, of which there is at least one.
pub(super) async fn save(
    tx: &mut Transaction,
    grouping: Grouping,
    kept: u32,
) -> Result<Saved, StoreError> {
    let Grouping {
        run,
        cohorts,
        members,
    } = grouping;
    // Numbered here: a sequence of the database's may leave gaps, and the highest id is a count.
    let insert = Query::new(
        "INSERT INTO clusterings (id, run)
         SELECT coalesce(max(id), 0) + 1, $1 FROM clusterings RETURNING id",
    );
    let inserted = tx.query_one(insert.bind(json::text(&run))).await?;
    let id: i64 = inserted.get("id")?;
    let cohorts = (0_u32..).zip(&cohorts).map(|(position, cohort)| {
        Query::new("INSERT INTO cohorts (clustering, position, cohort) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(position)
            .bind(json::text(cohort))
    });
    let members = members.iter().map(|member| {
        Query::new("INSERT INTO members (clustering, user_id, member) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(&member.user_id)
            .bind(json::text(member))
    });
    let forget = Query::new("DELETE FROM clusterings WHERE id <= $1").bind(id - i64::from(kept));
    for done in tx.query_all(cohorts.chain(members).chain([forget])).await? {
        done?;
    }
    Ok(Saved { id, run })
}

/// Returns the newest clustering, whose id says how many were ever made.
pub(super) async fn last(tx: &mut Transaction) -> Result<Option<Saved>, StoreError> {
    let select = "SELECT id, run FROM clusterings ORDER BY id DESC LIMIT 1";
    let Some(row) = tx.query_opt(select).await? else {
        return Ok(None);
    };
    Ok(Some(Saved {
        id: row.get("id")?,
        run: json::column(&row, "run")?,
    }))
}

/// Returns the newest clustering with its cohorts.
pub(super) async fn newest(tx: &mut Transaction) -> Result<Option<Kept>, StoreError> {
    let Some(saved) = last(tx).await? else {
        return Ok(None);
    };
    let select = Query::new("SELECT cohort FROM cohorts WHERE clustering = $1 ORDER BY position");
    let rows = tx.query(select.bind(saved.id)).await?;
    let cohorts: Result<_, StoreError> =
        rows.iter().map(|row| json::column(row, "cohort")).collect();
    Ok(Some(Kept {
        saved,
        cohorts: cohorts?,
    }))
}

/// Returns a user's place in the newest clustering.
pub(super) async fn member(
    tx: &mut Transaction,
    user_id: &str,
) -> Result<Option<Place>, StoreError> {
    let Some(saved) = last(tx).await? else {
        return Ok(None);
    };
    let select = Query::new("SELECT member FROM members WHERE clustering = $1 AND user_id = $2");
    let found = tx.query_opt(select.bind(saved.id).bind(user_id)).await?;
    let member = found.map(|row| json::column(&row, "member")).transpose()?;
    Ok(member.map(|member| Place { saved, member }))
}
