//! Each rule has sentences that must trip it and sentences that must not, in both dialects.

use tooloo_query::{Catalogue, Class, Column, Dialect, Rule, Table, analyze, analyze_with};

const BOTH: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

fn catalogue() -> Catalogue {
    let number = Column::new(Class::Number);
    let text = Column::new(Class::Text);
    Catalogue::default()
        .with_table(
            "events",
            Table::default()
                .with_rows(2_000_000)
                .with_column("id", number.not_null())
                .with_column("name", text)
                .with_column("user_id", number)
                .with_key(["id"])
                .with_indexed_expression("lower(name)"),
        )
        .with_table(
            "colours",
            Table::default()
                .with_rows(12)
                .with_column("id", number.not_null())
                .with_column("name", text),
        )
}

/// Lists the rules that a sentence trips, of either dialect.
fn tripped(sql: &str, dialect: Dialect, catalogue: &Catalogue) -> Vec<Rule> {
    let findings = analyze_with(sql, dialect, catalogue)
        .unwrap_or_else(|error| panic!("{dialect}: {error}: {sql}"));
    findings.into_iter().map(|finding| finding.rule).collect()
}

fn check(rule: Rule, catalogue: &Catalogue, must: &[&str], must_not: &[&str]) {
    for dialect in BOTH {
        for sql in must {
            let found = tripped(sql, dialect, catalogue);
            assert!(
                found.contains(&rule),
                "{rule} misses, in {dialect}: {sql}: {found:?}"
            );
        }
        for sql in must_not {
            let found = tripped(sql, dialect, catalogue);
            assert!(
                !found.contains(&rule),
                "{rule} cries wolf, in {dialect}: {sql}"
            );
        }
    }
}

fn by_text(rule: Rule, must: &[&str], must_not: &[&str]) {
    check(rule, &Catalogue::default(), must, must_not);
}

#[test]
fn finds_a_star_over_a_stored_table() {
    by_text(
        Rule::SelectStar,
        &[
            "SELECT * FROM users",
            "SELECT u.* FROM users u JOIN posts p ON p.user_id = u.id",
            "SELECT id FROM (SELECT * FROM users) u",
            "INSERT INTO archive SELECT * FROM users WHERE gone",
            "WITH old AS (SELECT id FROM users) SELECT * FROM old JOIN posts ON posts.user_id = old.id",
        ],
        &[
            "SELECT id, name FROM users",
            "SELECT count(*) FROM users",
            "SELECT id FROM users WHERE EXISTS (SELECT * FROM posts WHERE posts.user_id = users.id)",
            "SELECT * FROM (SELECT id, name FROM users) u",
            "WITH old AS (SELECT id FROM users) SELECT * FROM old",
            "SELECT * FROM (VALUES (1), (2)) v",
        ],
    );
}

#[test]
fn finds_writes_without_a_where() {
    by_text(
        Rule::MissingWhere,
        &["DELETE FROM users", "UPDATE users SET name = $1"],
        &[
            "DELETE FROM users WHERE id = $1",
            "UPDATE users SET name = $1 WHERE id = $2",
            "DELETE FROM users WHERE TRUE",
            "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = 2",
        ],
    );
}

#[test]
fn finds_comparisons_with_null() {
    by_text(
        Rule::EqualsNull,
        &[
            "SELECT id FROM users WHERE name = NULL",
            "SELECT id FROM users WHERE name <> NULL",
            "SELECT id FROM users WHERE (NULL) = name AND id > 1",
            "DELETE FROM users WHERE name != NULL",
            "SELECT CASE WHEN name = NULL THEN 1 ELSE 2 END FROM users",
        ],
        &[
            "SELECT id FROM users WHERE name IS NULL",
            "SELECT id FROM users WHERE name IS NOT NULL",
            "UPDATE users SET name = NULL WHERE id = $1",
            "SELECT id FROM users WHERE name IS NOT DISTINCT FROM $1",
            "INSERT INTO users (id, name) VALUES ($1, NULL)",
        ],
    );
}

#[test]
fn finds_not_in_over_what_may_be_null() {
    by_text(
        Rule::NotInNullable,
        &[
            "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM posts)",
            "SELECT id FROM users WHERE NOT id IN (SELECT user_id FROM posts)",
            "SELECT id FROM users WHERE id NOT IN (1, 2, NULL)",
            "DELETE FROM users WHERE id NOT IN (SELECT user_id FROM posts WHERE user_id IS NULL OR id > 2)",
            "SELECT id FROM users WHERE id > 3 AND (id NOT IN (SELECT max(user_id) FROM posts))",
        ],
        &[
            "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM posts WHERE user_id IS NOT NULL)",
            "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM posts WHERE user_id > 3)",
            "SELECT id FROM users WHERE id NOT IN (SELECT coalesce(user_id, 0) FROM posts)",
            "SELECT id FROM users WHERE id NOT IN (SELECT count(*) FROM posts)",
            "SELECT id FROM users WHERE id NOT IN (1, 2, 3)",
            "SELECT id FROM users WHERE id IN (SELECT user_id FROM posts)",
            "SELECT id FROM users WHERE NOT EXISTS (SELECT 1 FROM posts WHERE posts.user_id = users.id)",
        ],
    );
    check(
        Rule::NotInNullable,
        &catalogue(),
        &["SELECT id FROM colours WHERE id NOT IN (SELECT user_id FROM events)"],
        &["SELECT id FROM colours WHERE id NOT IN (SELECT id FROM events)"],
    );
}

#[test]
fn finds_tables_that_nothing_connects() {
    by_text(
        Rule::ImplicitCrossJoin,
        &[
            "SELECT u.id FROM users u, posts p",
            "SELECT u.id FROM users u, posts p WHERE u.id = 3 AND p.id = 4",
            "SELECT u.id FROM users u, posts p, tags t WHERE u.id = p.user_id",
            "SELECT a.id FROM users a, (SELECT id FROM posts) b",
        ],
        &[
            "SELECT u.id FROM users u, posts p WHERE u.id = p.user_id",
            "SELECT id FROM users, posts WHERE user_id = author_id",
            "SELECT u.id FROM users u CROSS JOIN posts p",
            "SELECT u.id, n.total FROM users u, (SELECT count(*) AS total FROM posts) n",
            "WITH n AS (SELECT max(id) AS top FROM posts) SELECT u.id FROM users u, n",
            "SELECT u.id FROM users u, posts p WHERE EXISTS (SELECT 1 FROM likes l WHERE l.user_id = u.id AND l.post_id = p.id)",
            "SELECT a.id FROM a, b, c WHERE a.id = b.id AND b.x + 1 = c.x",
            "SELECT u.id FROM users u",
        ],
    );
}

#[test]
fn finds_joins_that_join_nothing() {
    by_text(
        Rule::MissingJoinCondition,
        &[
            "SELECT u.id FROM users u JOIN posts p ON u.id = u.parent_id",
            "SELECT u.id FROM users u LEFT JOIN posts p ON p.id = 3",
        ],
        &[
            "SELECT u.id FROM users u JOIN posts p ON p.user_id = u.id",
            "SELECT u.id FROM users u JOIN posts p USING (user_id)",
            "SELECT u.id FROM users u NATURAL JOIN posts p",
            "SELECT u.id FROM users u CROSS JOIN posts p",
            "SELECT u.id FROM users u JOIN posts p ON TRUE",
            "SELECT u.id FROM users u JOIN posts ON user_id = u.id",
            "SELECT u.id FROM users u JOIN (SELECT max(id) AS top FROM posts) m ON u.id > 3",
            "SELECT u.id FROM users u JOIN a ON a.id = u.id JOIN b ON b.id = a.id",
        ],
    );
    let bare = tripped(
        "SELECT u.id FROM users u JOIN posts p",
        Dialect::Sqlite,
        &Catalogue::default(),
    );
    assert_eq!(bare, [Rule::MissingJoinCondition]);
    let filtered = "SELECT u.id FROM users u JOIN posts p WHERE p.user_id = u.id";
    assert_eq!(
        tripped(filtered, Dialect::Sqlite, &Catalogue::default()),
        []
    );
}

#[test]
fn finds_patterns_that_begin_with_a_wildcard() {
    by_text(
        Rule::LeadingWildcard,
        &[
            "SELECT id FROM users WHERE name LIKE '%son'",
            "SELECT id FROM users WHERE name NOT LIKE '_ob'",
            "SELECT id FROM users WHERE name LIKE '%' || $1 || '%'",
            "DELETE FROM users WHERE name LIKE '%x'",
        ],
        &[
            "SELECT id FROM users WHERE name LIKE 'son%'",
            "SELECT id FROM users WHERE name LIKE $1",
            "SELECT id FROM users WHERE name LIKE $1 || '%'",
            "SELECT id FROM users WHERE name LIKE '!%off%' ESCAPE '!'",
            "SELECT id FROM users WHERE $1 LIKE '%x'",
        ],
    );
    let insensitive = "SELECT id FROM users WHERE name ILIKE '%son'";
    let found = tripped(insensitive, Dialect::Postgres, &Catalogue::default());
    assert_eq!(found, [Rule::LeadingWildcard]);
}

#[test]
fn finds_rows_sorted_by_chance() {
    by_text(
        Rule::OrderByRandom,
        &[
            "SELECT id FROM users ORDER BY random() LIMIT 1",
            "SELECT id FROM users ORDER BY RANDOM()",
        ],
        &[
            "SELECT id FROM users ORDER BY id",
            "SELECT random()",
            "SELECT id FROM users WHERE id > random() ORDER BY id",
        ],
    );
}

#[test]
fn finds_paging_by_offset() {
    by_text(
        Rule::OffsetPaging,
        &[
            "SELECT id FROM users ORDER BY id LIMIT 10 OFFSET 20",
            "SELECT id FROM users ORDER BY id LIMIT $1 OFFSET $2",
        ],
        &[
            "SELECT id FROM users WHERE id > $1 ORDER BY id LIMIT 10",
            "SELECT id FROM users ORDER BY id LIMIT 10 OFFSET 0",
            "SELECT id FROM users ORDER BY id DESC LIMIT 1 OFFSET 1",
        ],
    );
}

#[test]
fn finds_a_limit_without_an_order() {
    by_text(
        Rule::LimitWithoutOrder,
        &[
            "SELECT id FROM users LIMIT 10",
            "SELECT id FROM users WHERE name = $1 LIMIT $2",
        ],
        &[
            "SELECT id FROM users ORDER BY id LIMIT 10",
            "SELECT 1 FROM users WHERE name = $1 LIMIT 1",
            "SELECT count(*) FROM users LIMIT 1",
            "SELECT id FROM users WHERE EXISTS (SELECT p.id FROM posts p WHERE p.user_id = users.id LIMIT 1)",
            "SELECT id FROM users LIMIT 0",
        ],
    );
    check(
        Rule::LimitWithoutOrder,
        &catalogue(),
        &["SELECT name FROM events WHERE name = $1 LIMIT 1"],
        &["SELECT name FROM events WHERE id = $1 LIMIT 1"],
    );
}

#[test]
fn finds_columns_that_are_wrapped_before_they_are_compared() {
    by_text(
        Rule::FunctionOnColumn,
        &[
            "SELECT id FROM users WHERE lower(name) = $1",
            "SELECT id FROM users WHERE id + 1 = $1",
            "SELECT id FROM users WHERE CAST(id AS TEXT) = $1",
            "SELECT id FROM users WHERE date(made) BETWEEN $1 AND $2",
            "DELETE FROM users WHERE coalesce(name, '') = $1",
            "SELECT u.id FROM users u JOIN posts p ON p.user_id = u.id AND upper(p.kind) = 'A'",
            "SELECT id FROM users WHERE substr(name, 1, 3) IN ('abc', 'def')",
        ],
        &[
            "SELECT id FROM users WHERE name = lower($1)",
            "SELECT id FROM users WHERE id = $1 - 1",
            "SELECT lower(name) FROM users WHERE id = $1",
            "SELECT id FROM users WHERE made >= $1 AND made < $2",
            "SELECT user_id FROM posts GROUP BY user_id HAVING count(id) > 3",
            "SELECT a.id FROM a JOIN b ON lower(a.x) = lower(b.x)",
            "SELECT id FROM users WHERE length(name) <> 3",
        ],
    );
    check(
        Rule::FunctionOnColumn,
        &catalogue(),
        &["SELECT id FROM events WHERE upper(name) = $1"],
        &["SELECT id FROM events WHERE lower(name) = $1"],
    );
}

#[test]
fn finds_distinct_over_groups() {
    by_text(
        Rule::DistinctWithGroupBy,
        &[
            "SELECT DISTINCT user_id FROM posts GROUP BY user_id",
            "SELECT DISTINCT user_id, count(*) FROM posts GROUP BY user_id",
            "SELECT DISTINCT lower(name) AS folded FROM users GROUP BY folded",
        ],
        &[
            "SELECT DISTINCT user_id FROM posts",
            "SELECT user_id FROM posts GROUP BY user_id",
            "SELECT DISTINCT count(*) FROM posts GROUP BY user_id",
            "SELECT count(DISTINCT user_id) FROM posts GROUP BY topic",
        ],
    );
}

#[test]
fn finds_unions_that_need_no_comparison() {
    by_text(
        Rule::NeedlessUnion,
        &[
            "SELECT 'user' AS kind, id FROM users UNION SELECT 'post', id FROM posts",
            "SELECT id FROM likes WHERE id IN (SELECT id FROM users UNION SELECT id FROM posts)",
            "SELECT id FROM likes WHERE EXISTS (SELECT id FROM users UNION SELECT id FROM posts)",
        ],
        &[
            "SELECT id FROM users UNION SELECT id FROM posts",
            "SELECT 'user' AS kind, id FROM users UNION ALL SELECT 'post', id FROM posts",
            "SELECT 'a', id FROM users UNION SELECT 'a', id FROM posts",
            "SELECT $1, id FROM users UNION SELECT $2, id FROM posts",
            "SELECT id FROM users EXCEPT SELECT id FROM posts",
        ],
    );
}

#[test]
fn finds_having_about_single_rows() {
    by_text(
        Rule::HavingWithoutAggregate,
        &[
            "SELECT user_id, count(*) FROM posts GROUP BY user_id HAVING user_id > 3",
            "SELECT user_id, count(*) FROM posts GROUP BY user_id HAVING lower(user_id) = $1",
        ],
        &[
            "SELECT user_id, count(*) FROM posts GROUP BY user_id HAVING count(*) > 3",
            "SELECT user_id, count(*) AS posts FROM posts GROUP BY user_id HAVING posts > 3",
            "SELECT user_id FROM posts GROUP BY user_id HAVING my_aggregate(id) > 3",
            "SELECT user_id FROM posts WHERE user_id > 3 GROUP BY user_id",
        ],
    );
}

#[test]
fn finds_columns_named_by_position() {
    by_text(
        Rule::OrdinalReference,
        &[
            "SELECT name, id FROM users ORDER BY 2",
            "SELECT user_id, count(*) FROM posts GROUP BY 1",
        ],
        &[
            "SELECT name, id FROM users ORDER BY id",
            "SELECT id FROM users WHERE id = 1 ORDER BY name LIMIT 2",
        ],
    );
}

#[test]
fn finds_names_of_two_meanings() {
    by_text(
        Rule::AmbiguousReference,
        &[
            "SELECT lower(name) AS name FROM users ORDER BY name",
            "SELECT substr(name, 1, 1) AS name, count(*) FROM users GROUP BY name",
        ],
        &[
            "SELECT lower(name) AS folded FROM users ORDER BY folded",
            "SELECT u.name AS name FROM users u ORDER BY name",
            "SELECT count(*) AS name FROM users GROUP BY name",
        ],
    );
}

#[test]
fn finds_whole_large_tables() {
    check(
        Rule::UnboundedSelect,
        &catalogue(),
        &["SELECT id FROM events", "SELECT id FROM events ORDER BY id"],
        &[
            "SELECT id FROM events ORDER BY id LIMIT 10",
            "SELECT id FROM events WHERE user_id = $1",
            "SELECT count(*) FROM events",
            "SELECT id FROM colours",
            "SELECT id FROM unknown",
            "SELECT user_id, count(*) FROM events GROUP BY user_id",
            "SELECT id FROM colours WHERE id IN (SELECT user_id FROM events)",
        ],
    );
}

#[test]
fn finds_comparisons_between_types() {
    check(
        Rule::ImplicitCast,
        &catalogue(),
        &[
            "SELECT id FROM events WHERE name = 12",
            "SELECT id FROM events WHERE id = '12'",
            "SELECT e.id FROM events e, colours c WHERE e.user_id = c.name",
        ],
        &[
            "SELECT id FROM events WHERE name = '12'",
            "SELECT id FROM events WHERE id = 12",
            "SELECT id FROM events WHERE id = $1",
            "SELECT e.id FROM events e, colours c WHERE e.name = c.name",
            "SELECT id FROM elsewhere WHERE name = 12",
        ],
    );
}

#[test]
fn finds_data_written_into_the_text() {
    by_text(
        Rule::EmbeddedValue,
        &[
            "SELECT id FROM users WHERE email = 'ada@example.org'",
            "SELECT id FROM users WHERE token = '123e4567-e89b-12d3-a456-426614174000'",
            "SELECT id FROM users WHERE name = 'O''Brien'",
            "SELECT id FROM users WHERE name = $1 OR 1 = 1",
            "SELECT id FROM users WHERE name = '' OR '1' = '1'",
            "SELECT id FROM users WHERE id = 48151623",
        ],
        &[
            "SELECT id FROM users WHERE email = $1",
            "SELECT id FROM users WHERE status = 'open'",
            "SELECT id FROM users WHERE level = 3",
            "SELECT id FROM users WHERE name = $1 OR $1 = $1",
            "INSERT INTO users (email) VALUES ('ada@example.org')",
        ],
    );
}

#[test]
fn says_where_a_finding_stands() {
    let sql = "SELECT id\nFROM users\nWHERE name = NULL";
    let findings = analyze(sql, Dialect::Sqlite).expect("SQL");
    let [finding] = &findings[..] else {
        panic!("{findings:?}");
    };
    assert_eq!((finding.place.line, finding.place.column), (3, 7));
    assert_eq!((finding.place.end_line, finding.place.end_column), (3, 18));
}

#[test]
fn says_where_a_text_stops_being_sql() {
    let error = analyze("SELECT id\nFROM users WHERE )", Dialect::Postgres).expect_err("no SQL");
    let place = error.place().expect("a place");
    assert_eq!(place.line, 2);
}

#[test]
fn refuses_what_nests_too_deep() {
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    analyze(&deep, Dialect::Sqlite).expect_err("too deep");
    let long = format!("SELECT 1{}", "+1".repeat(100_000));
    analyze(&long, Dialect::Postgres).expect_err("too long");
    let list = format!("SELECT id FROM t WHERE id IN (1{})", ",1".repeat(20_000));
    analyze(&list, Dialect::Postgres).expect("a list is not deep");
}

#[test]
fn rules_have_ids_of_their_own() {
    let mut ids: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), Rule::ALL.len());
}
