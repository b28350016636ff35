//! The rules: their names, weights and advice.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Severity;

/// Declares the rules, each with its id, its severity and its advice.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $severity:ident, $advice:literal;)+) => {
        /// An anti-pattern that the analysis looks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Rule {
            /// Every rule there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the stable name under which the rule is reported.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }

            /// Returns how much breaking the rule matters.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),+ }
            }

            /// Returns what to write instead.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice),+ }
            }
        }
    };
}

rules! {
    /// `SELECT *` over a table.
    SelectStar = "select-star", Warning,
        "Name the columns that are read: a column added later changes neither the answer's shape nor its size.";
    /// `UPDATE` or `DELETE` of every row.
    MissingWhere = "missing-where", Error,
        "Say which rows with WHERE; write WHERE TRUE where all of them are meant.";
    /// A comparison with `NULL`, which is never true.
    EqualsNull = "equals-null", Error,
        "Use IS NULL or IS NOT NULL, or IS [NOT] DISTINCT FROM for a value that may be null.";
    /// `NOT IN` over values among which a null makes the whole condition unknown.
    NotInNullable = "not-in-nullable", Warning,
        "Use NOT EXISTS, or keep nulls out of the subquery with IS NOT NULL.";
    /// Tables side by side in `FROM` that no condition connects.
    ImplicitCrossJoin = "implicit-cross-join", Error,
        "Connect the tables with JOIN … ON; write CROSS JOIN where every pair is meant.";
    /// A join whose condition is absent or does not speak of the joined table.
    MissingJoinCondition = "missing-join-condition", Error,
        "Give the join a condition over columns of both sides; write CROSS JOIN where every pair is meant.";
    /// `LIKE '%…'`, which no ordinary index can serve.
    LeadingWildcard = "leading-wildcard", Warning,
        "Anchor the pattern at its start, or use a full-text or trigram index.";
    /// `ORDER BY RANDOM()`, which sorts the whole table.
    OrderByRandom = "order-by-random", Warning,
        "Pick random keys first and read those rows, or sample the table.";
    /// Paging by `OFFSET`, which reads what it skips.
    OffsetPaging = "offset-paging", Warning,
        "Page by key: WHERE (key) > (last key seen) ORDER BY key LIMIT n.";
    /// `LIMIT` without `ORDER BY`, which may answer with other rows each time.
    LimitWithoutOrder = "limit-without-order", Warning,
        "Add ORDER BY over columns that make the order unique.";
    /// A function or arithmetic around a column that is filtered by.
    FunctionOnColumn = "function-on-column", Warning,
        "Compare the bare column: move the work to the other side, or index the expression.";
    /// `DISTINCT` over groups that are distinct already.
    DistinctWithGroupBy = "distinct-with-group-by", Warning,
        "Drop DISTINCT: each group is one row already.";
    /// `UNION` where no duplicates can arise or none matter.
    NeedlessUnion = "needless-union", Hint,
        "Use UNION ALL, which does not sort or hash the rows to find duplicates.";
    /// `HAVING` about single rows.
    HavingWithoutAggregate = "having-without-aggregate", Warning,
        "Move the condition to WHERE, which is applied before the rows are grouped.";
    /// `ORDER BY 2`, `GROUP BY 1`.
    OrdinalReference = "ordinal-reference", Hint,
        "Name the column: a position means another one as soon as the list of columns changes.";
    /// `ORDER BY` or `GROUP BY` of a name that is both a column and another expression's alias.
    AmbiguousReference = "ambiguous-reference", Warning,
        "Give the expression an alias that is no column's name, or repeat the expression.";
    /// A whole large table read at once.
    UnboundedSelect = "unbounded-select", Warning,
        "Filter the rows, or read them in pages with ORDER BY and LIMIT.";
    /// A comparison of values of different types.
    ImplicitCast = "implicit-cast", Warning,
        "Compare values of the column's own type: a cast of the column keeps its index from being used.";
    /// A value written into the text that looks as though it came from data.
    EmbeddedValue = "embedded-value", Warning,
        "Pass the value as a parameter: texts put together from data let data become SQL, and each is planned anew.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}
