//! Parts of the index as SQL. The order is always that of an index, so that the first rows cost no more than themselves.

use std::ops::Bound;

use chancery_core::search::{MOST_TEXT, Range, Reach, Span};
use chancery_db::{Value, params};

/// The columns of a user behind `created_ms, id`.
pub(super) const COLUMNS: &str = "doc, updated_ms, last_login_ms, last_ip, logins_count, password_reset_ms";

/// A statement that selects `created, id` of the users in a part of the index.
pub(super) struct Selection {
    from: String,
    order: &'static str,
    params: Vec<Value>,
}

/// The part of the index that a span names. `None` where there is no index for it.
pub(super) fn of_span(tenant: &str, span: &Span) -> Option<Selection> {
    let (table, column, order, mut params) = match span.field.as_str() {
        "user_id" => ("created_ms, id FROM users", "id", "id", params![tenant]),
        "created_at" => ("created_ms, id FROM users", "created_ms", "created_ms, id", params![tenant]),
        "organization_id" => {
            let sql = "u.created_ms, u.id FROM organization_members m \
                       JOIN users u ON u.tenant = m.tenant AND u.id = m.user_id \
                       WHERE m.tenant = $1 AND m.organization_id = $2";
            let Reach::Value(organization) = &span.reach else { return None };
            let params = params![tenant, organization.as_str()];
            return Some(Selection { from: sql.to_owned(), order: "m.user_id", params });
        }
        field => ("at, user_id FROM user_terms", "value", "value, at, user_id", params![tenant, field]),
    };
    let field = if params.len() > 1 { " AND field = $2" } else { "" };
    let mut from = format!("{table} WHERE tenant = $1{field}");
    let order = match &span.reach {
        Reach::Value(value) => {
            params.push(value.as_str().into());
            from.push_str(&format!(" AND {column} = ${}", params.len()));
            if column == "value" { "at, user_id" } else { order }
        }
        Reach::Values(range) => {
            limit(&mut from, &mut params, column, range);
            order
        }
        Reach::Numbers(range) => {
            limit(&mut from, &mut params, column, range);
            order
        }
        Reach::Holding(_) => return None,
    };
    Some(Selection { from, order, params })
}

fn limit<T: Clone + Into<Value>>(sql: &mut String, params: &mut Vec<Value>, column: &str, range: &Range<T>) {
    let (from, to) = range;
    for (bound, with, without) in [(from, ">=", ">"), (to, "<=", "<")] {
        let (value, sign) = match bound {
            Bound::Unbounded => continue,
            Bound::Included(value) => (value, with),
            Bound::Excluded(value) => (value, without),
        };
        params.push(value.clone().into());
        sql.push_str(&format!(" AND {column} {sign} ${}", params.len()));
    }
}

impl Selection {
    /// The first `limit` users.
    pub(super) fn first(mut self, limit: usize) -> (String, Vec<Value>) {
        self.params.push(super::count(limit).into());
        let sql = format!("SELECT {} ORDER BY {} LIMIT ${}", self.from, self.order, self.params.len());
        (sql, self.params)
    }

    /// How many users, at most `limit`.
    pub(super) fn count(self, limit: usize) -> (String, Vec<Value>) {
        let (sql, params) = self.first(limit);
        (format!("SELECT COUNT(*) FROM ({sql}) AS counted"), params)
    }
}

/// The first users whose value of a field may have a text in it ([`Reach::may_hold`]). Looks at every value.
pub(super) fn holding(tenant: &str, field: &str, text: &str, limit: usize) -> (String, Vec<Value>) {
    let sql = format!(
        "SELECT at, user_id FROM user_terms WHERE tenant = $1 AND field = $2 \
         AND (REPLACE(value, $3, '') <> value OR LENGTH(value) >= {MOST_TEXT}) ORDER BY value, at, user_id LIMIT $4"
    );
    (sql, params![tenant, field, text, super::count(limit)])
}

/// `$2, $3, ...`: so many.
pub(super) fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Ids behind other values, the last one again until there are as many as places.
pub(super) fn with_ids(mut params: Vec<Value>, ids: &[&str], places: usize) -> Vec<Value> {
    let last = ids.last().copied().unwrap_or_default();
    params.extend(ids.iter().copied().chain(std::iter::repeat(last)).take(places).map(Value::from));
    params
}
