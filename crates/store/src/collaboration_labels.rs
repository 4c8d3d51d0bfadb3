//! Labels of an organisation and of its collaborations.

use std::collections::BTreeSet;

use domain::{CollaborationId, OrganisationId, Timestamp, UnitId};

use crate::{Session, StoreError, Value, catalogue::sql};

sql! {
    /// organisation, values: the labels with these values, and the default ones. One row for each label and unit.
    LABEL_LIST: {
        sqlite: "
SELECT l.id, l.value, l.is_default, l.scoped, u.unit_id FROM label l LEFT JOIN label_unit u ON u.label_id = l.id
WHERE l.organisation_id = $1 AND (l.is_default OR l.value IN (SELECT value FROM json_each($2)))
ORDER BY l.id, u.unit_id",
        postgres: "
SELECT l.id, l.value, l.is_default, l.scoped, u.unit_id FROM label l LEFT JOIN label_unit u ON u.label_id = l.id
WHERE l.organisation_id = $1 AND (l.is_default OR l.value = ANY($2))
ORDER BY l.id, u.unit_id",
    };

    /// organisation, time, values.
    LABEL_INSERT: {
        sqlite: "
INSERT INTO label (organisation_id, created_at, value)
SELECT $1, $2, n.value FROM json_each($3) n WHERE TRUE ORDER BY n.key
ON CONFLICT (organisation_id, value) DO UPDATE SET value = excluded.value
RETURNING id, value",
        postgres: "
INSERT INTO label (organisation_id, created_at, value)
SELECT $1::bigint, $2::bigint, v FROM unnest($3::text[]) WITH ORDINALITY t (v, n) ORDER BY n
ON CONFLICT (organisation_id, value) DO UPDATE SET value = excluded.value
RETURNING id, value",
    };

    LABEL_SET: "UPDATE label SET is_default = $1, scoped = $2 WHERE id = $3";

    LABEL_UNIT_CLEAR: "DELETE FROM label_unit WHERE label_id = $1";

    LABEL_UNIT_INSERT: {
        sqlite: "INSERT INTO label_unit (label_id, unit_id) SELECT $1, n.value FROM json_each($2) n",
        postgres: "INSERT INTO label_unit (label_id, unit_id) SELECT $1::bigint, u FROM unnest($2::bigint[]) t (u)",
    };

    COLLABORATION_LABEL_INSERT: {
        sqlite: "
INSERT INTO collaboration_label (collaboration_id, label_id) SELECT $1, n.value FROM json_each($2) n WHERE TRUE
ON CONFLICT (collaboration_id, label_id) DO NOTHING",
        postgres: "
INSERT INTO collaboration_label (collaboration_id, label_id) SELECT $1::bigint, l FROM unnest($2::bigint[]) t (l)
ON CONFLICT (collaboration_id, label_id) DO NOTHING",
    };

    COLLABORATION_LABEL_LIST: {
        sqlite: "
SELECT k.collaboration_id, l.id, l.value FROM collaboration_label k JOIN label l ON l.id = k.label_id
WHERE k.collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY 1, 2",
        postgres: "
SELECT k.collaboration_id, l.id, l.value FROM collaboration_label k JOIN label l ON l.id = k.label_id
WHERE k.collaboration_id = ANY($1) ORDER BY 1, 2",
    };

    COLLABORATION_LABEL_DELETE: {
        sqlite: "
DELETE FROM collaboration_label WHERE collaboration_id = $1 AND label_id IN (SELECT value FROM json_each($2))",
        postgres: "DELETE FROM collaboration_label WHERE collaboration_id = $1 AND label_id = ANY($2)",
    };
}

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Internal key.
    pub id: i64,
    /// What it says.
    pub value: String,
    /// Given to new collaborations.
    pub is_default: bool,
    /// Given only to those that share one of its units.
    pub scoped: bool,
    /// Its units.
    pub units: BTreeSet<UnitId>,
}

impl Label {
    /// Whether a new collaboration with these units gets it unasked.
    pub fn is_given_to(&self, units: &BTreeSet<UnitId>) -> bool {
        self.is_default && (!self.scoped || !self.units.is_disjoint(units))
    }
}

/// The labels of an organisation with these values, and all its default ones.
pub async fn labels<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    values: &[String],
) -> Result<Vec<Label>, StoreError> {
    let rows = s
        .fetch(&LABEL_LIST, &[organisation.into(), Value::Texts(values)], |row| {
            let label = Label {
                id: row.get(0)?,
                value: row.get(1)?,
                is_default: row.get(2)?,
                scoped: row.get(3)?,
                units: BTreeSet::new(),
            };
            Ok((label, row.get::<Option<UnitId>>(4)?))
        })
        .await?;
    let mut found: Vec<Label> = Vec::new();
    for (label, unit) in rows {
        if found.last().is_none_or(|last| last.id != label.id) {
            found.push(label);
        }
        if let Some(last) = found.last_mut() {
            last.units.extend(unit);
        }
    }
    Ok(found)
}

/// Makes labels that do not exist; their keys by value.
pub async fn create<S: Session>(
    s: &mut S,
    organisation: OrganisationId,
    values: &[String],
    now: Timestamp,
) -> Result<Vec<(i64, String)>, StoreError> {
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let parameters = [organisation.into(), now.into(), Value::Texts(values)];
    s.fetch(&LABEL_INSERT, &parameters, |row| Ok((row.get(0)?, row.get(1)?)))
        .await
}

/// Sets whether a label is given to new collaborations, and to which.
pub async fn set_default<S: Session>(
    s: &mut S,
    label: i64,
    is_default: bool,
    units: Option<&[i64]>,
) -> Result<(), StoreError> {
    s.execute(&LABEL_SET, &[is_default.into(), units.is_some().into(), label.into()])
        .await?;
    s.execute(&LABEL_UNIT_CLEAR, &[label.into()]).await?;
    if let Some(units) = units {
        s.execute(&LABEL_UNIT_INSERT, &[label.into(), Value::Ints(units)])
            .await?;
    }
    Ok(())
}

/// Gives labels to a collaboration.
pub async fn give<S: Session>(s: &mut S, collaboration: CollaborationId, labels: &[i64]) -> Result<(), StoreError> {
    if labels.is_empty() {
        return Ok(());
    }
    s.execute(
        &COLLABORATION_LABEL_INSERT,
        &[collaboration.into(), Value::Ints(labels)],
    )
    .await
    .map(drop)
}

/// The labels of these collaborations.
pub async fn of_collaborations<S: Session>(
    s: &mut S,
    collaborations: &[i64],
) -> Result<Vec<(CollaborationId, i64, String)>, StoreError> {
    s.fetch(&COLLABORATION_LABEL_LIST, &[Value::Ints(collaborations)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
    .await
}

/// Takes labels from a collaboration.
pub async fn take<S: Session>(s: &mut S, collaboration: CollaborationId, labels: &[i64]) -> Result<(), StoreError> {
    s.execute(
        &COLLABORATION_LABEL_DELETE,
        &[collaboration.into(), Value::Ints(labels)],
    )
    .await
    .map(drop)
}
