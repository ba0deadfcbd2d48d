//! Temporary ids: in references they give way to the permanent id of the record that carries them.

use landfall::wire::Fields;
use serde_json::Value as Json;

use crate::refusal::Refusal;
use crate::schema::{Class, Kind, class, classes};
use crate::store::{Session, StoreError, records};

const MARK: &str = "tmp_";
const DIGITS: usize = 32;

/// Puts permanent ids for temporary ones in the fields that refer to records, and checks that every such field now
/// refers to one that exists.
pub async fn settle_references(session: &mut Session, of: &Class, fields: &mut Fields) -> Result<(), Refusal> {
    for field in &of.fields {
        let (Kind::Reference(to) | Kind::List(to)) = field.column.kind else {
            continue;
        };
        let (Some(text), Some(target)) = (fields.get_mut(field.column.name), class(to)) else {
            continue;
        };
        let mut ids = Vec::new();
        for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
            ids.push(settled(session, field.column.name, target, id).await?);
        }
        *text = ids.join(",");
    }
    Ok(())
}

/// The sys_id of the record the field means, which must be one of the target's.
pub async fn settled(session: &mut Session, field: &str, target: &Class, id: &str) -> Result<String, Refusal> {
    let (field, table) = (field.to_owned(), target.name.to_owned());
    if is_temporary(id) {
        let permanent = records::correlated(session, target, id).await?;
        return permanent.ok_or_else(|| Refusal::UnresolvedTemporary { field, table, id: id.to_owned() });
    }
    if records::exists(session, target, id).await? {
        return Ok(id.to_owned());
    }
    Err(Refusal::DanglingReference { field, table, value: id.to_owned() })
}

/// The body with every temporary id in it that is known here replaced, wherever it stands, but for the correlation
/// id. A device sends `tmp_…` before it has heard of the permanent id and that id after; both are one request.
pub async fn settle_body(session: &mut Session, body: &Json) -> Result<Json, StoreError> {
    let Json::Object(fields) = body else {
        return Ok(body.clone());
    };
    let mut settled = serde_json::Map::new();
    for (name, value) in fields {
        let mut text = value.to_string();
        if name != "correlation_id" {
            for id in ids(&value.to_string()) {
                if let Some(permanent) = known(session, id).await? {
                    text = text.replace(id, &permanent);
                }
            }
        }
        // Ids are plain letters and digits, so what was JSON still is.
        settled.insert(name.clone(), serde_json::from_str(&text).unwrap_or_else(|_| value.clone()));
    }
    Ok(Json::Object(settled))
}

/// The sys_id of the record that carries this temporary id, whatever its table.
pub async fn known(session: &mut Session, id: &str) -> Result<Option<String>, StoreError> {
    for root in classes().filter(|class| class.lineage.len() == 1) {
        if let Some(permanent) = records::correlated(session, root, id).await? {
            return Ok(Some(permanent));
        }
    }
    Ok(None)
}

/// Whether the text is a temporary id and nothing else.
pub fn is_temporary(text: &str) -> bool {
    starts_with_id(text) == Some(text)
}

/// Every temporary id in a text.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(MARK).filter_map(|(at, _)| starts_with_id(text.get(at..)?))
}

/// The temporary id a text starts with: the mark and 32 lower-case hex digits.
fn starts_with_id(text: &str) -> Option<&str> {
    let id = text.get(..MARK.len() + DIGITS)?;
    let digits = id.strip_prefix(MARK)?;
    digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_anywhere() {
        let id = "tmp_0123456789abcdef0123456789abcdef";
        let text = format!("tmp_ see {id}, and({id}) not tmp_0123456789ABCDEF0123456789abcdef");
        assert_eq!(ids(&text).collect::<Vec<_>>(), [id, id]);
    }
}
